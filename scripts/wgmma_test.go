package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// machineCode is what cuobjdump -sass prints of instructions.
func machineCode(instructions ...string) string {
	var b strings.Builder
	b.WriteString("\tcode for sm_90a\n\t\tFunction : kernel\n")
	for i, instruction := range instructions {
		b.WriteString("        /*" + hex(16*i) + "*/                   " + instruction + " ;   /* 0x00 */\n")
	}
	return b.String()
}

func hex(n int) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[n>>12&15], digits[n>>8&15], digits[n>>4&15], digits[n&15]})
}

func checkWGMMA(t *testing.T, code string) (output string, ok bool) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3")
	}
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "check-wgmma", "-", file).CombinedOutput()
	return string(out), err == nil
}

// A product with its operand in R8 to R11 and its sums in R24 to R55, and the wait for it.
const (
	product = "HGMMA.64x64x16.F32.BF16 R24, R8, gdesc[UR12], R24, gsb0"
	wait    = "WARPGROUP.DEPBAR.LE gsb0, 0x0"
)

func TestCheckWGMMA_FindsRegistersOfARunningProduct(t *testing.T) {
	cases := map[string]struct {
		wrong        bool
		instructions []string
	}{
		"nothing between":                  {false, []string{product, wait, "EXIT"}},
		"other registers":                  {false, []string{product, "FADD R0, R1, R2", "FADD R3, R8, R2", wait, "EXIT"}},
		"after the wait":                   {false, []string{product, wait, "MOV R8, R24", "EXIT"}},
		"operand written":                  {true, []string{product, "F2FP.BF16.F32.PACK_AB R9, R1, R2", wait, "EXIT"}},
		"operand loaded as part of a wide": {true, []string{product, "LDS.128 R4, [R0]", "LDS.128 R8, [R0]", wait, "EXIT"}},
		"sum read":                         {true, []string{product, "FADD R0, R30, R2", wait, "EXIT"}},
		"sum written":                      {true, []string{product, "MOV R55, RZ", wait, "EXIT"}},
		"sum stored as part of a wide":     {true, []string{product, "STG.E.128 desc[UR4][R2.64], R52", wait, "EXIT"}},
		"address near a sum":               {false, []string{product, "LDGSTS.E.BYPASS.128 [R22+0x9000], desc[UR12][R18.64], !P0", wait, "EXIT"}},
		"shuffle into the operand":         {true, []string{product, "SHFL.BFLY PT, R10, R1, 0x1, 0x1f", wait, "EXIT"}},
		"second group still runs": {true, []string{
			"HGMMA.64x64x16.F32.BF16 R56, R12, gdesc[UR12], R56, gsb0", product, "WARPGROUP.DEPBAR.LE gsb0, 0x1", "MOV R12, R0", "MOV R8, R0", wait, "EXIT"}},
		"first group is done": {false, []string{
			"HGMMA.64x64x16.F32.BF16 R56, R12, gdesc[UR12], R56, gsb0", product, "WARPGROUP.DEPBAR.LE gsb0, 0x1", "MOV R12, R0", wait, "EXIT"}},
		"on one path of a branch": {true, []string{product, "@P0 BRA 0x0040", wait, "EXIT", "MOV R8, R0", "BRA 0x0020"}},
		"around a loop":           {true, []string{"MOV R8, R0", product, "@P0 BRA 0x0000", wait, "EXIT"}},
		"waits in the loop":       {false, []string{"MOV R8, R0", product, wait, "@P0 BRA 0x0000", "EXIT"}},
		"another product's sums":  {true, []string{product, "HGMMA.64x64x16.F32.BF16 R56, R24, gdesc[UR12], R56, gsb0", wait, "EXIT"}},
	}
	for name, c := range cases {
		out, ok := checkWGMMA(t, machineCode(c.instructions...))
		if ok == c.wrong {
			t.Errorf("%s: wrong %v, want %v:\n%s", name, !ok, c.wrong, out)
		}
	}
}

func TestCheckWGMMA_FailsWithoutProducts(t *testing.T) {
	if out, ok := checkWGMMA(t, machineCode("MOV R8, R0", "EXIT")); ok {
		t.Errorf("passed:\n%s", out)
	}
}
