package privacy

import (
	"strconv"
	"strings"
)

// The check digits of national numbers. Each function gets letters and digits in upper case, in the right number.

// weighted returns the sum of the first digits times their weights.
func weighted(digits string, weights ...int) (sum int) {
	for i, w := range weights {
		sum += w * int(digits[i]-'0')
	}
	return sum
}

func digitAt(s string, i int) int { return int(s[i] - '0') }

// born reports whether a day and a month can be.
func born(dd, mm string) bool {
	d, _ := strconv.Atoi(dd)
	m, _ := strconv.Atoi(mm)
	return d >= 1 && d <= 31 && m >= 1 && m <= 12
}

func bornDDMMYY(s string) bool { return born(s[:2], s[2:4]) }
func bornYYMMDD(s string) bool { return born(s[4:6], s[2:4]) }

// remainder returns a number of any length modulo n.
func remainder(digits string, n int) (r int) {
	for i := range len(digits) {
		r = (r*10 + digitAt(digits, i)) % n
	}
	return r
}

// iso7064 reports whether the last digit is right by ISO 7064, mod 11,10.
func iso7064(s string) bool {
	product := 10
	for i := range len(s) - 1 {
		sum := (digitAt(s, i) + product) % 10
		if sum == 0 {
			sum = 10
		}
		product = sum * 2 % 11
	}
	return (11-product)%10 == digitAt(s, len(s)-1)
}

// steuerID checks German tax numbers: of the first ten digits, one occurs two or three times.
func steuerID(s string) bool {
	repeated := 0
	for d := byte('0'); d <= '9'; d++ {
		switch strings.Count(s[:10], string(d)) {
		case 0, 1:
		case 2, 3:
			repeated++
		default:
			return false
		}
	}
	return s[0] != '0' && repeated == 1 && iso7064(s)
}

func oib(s string) bool { return iso7064(s) }

// nir checks French social security numbers.
func nir(s string) bool {
	month, _ := strconv.Atoi(s[3:5])
	key, _ := strconv.Atoi(s[13:])
	return (s[0] == '1' || s[0] == '2') && (month >= 1 && month <= 12 || month >= 20) && 97-remainder(s[:13], 97) == key
}

const dniLetters = "TRWAGMYFPDXBNJZSQVHLCKE"

func dni(s string) bool {
	return len(s) == 9 && strings.Trim(s[:8], "0123456789") == "" && dniLetters[remainder(s[:8], 23)] == s[8]
}

func nie(s string) bool {
	lead := strings.IndexByte("XYZ", s[0])
	return lead >= 0 && dniLetters[remainder(strconv.Itoa(lead)+s[1:8], 23)] == s[8]
}

// codiceFiscale checks Italian tax codes, whose characters in odd places have values of their own.
func codiceFiscale(s string) bool {
	odd := [...]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}
	sum := 0
	for i := range 15 {
		n := int(s[i] - '0')
		if s[i] >= 'A' {
			n = int(s[i] - 'A')
		}
		if i%2 == 0 {
			n = odd[n]
		}
		sum += n
	}
	return strings.IndexByte("ABCDEHLMPRST", s[8]) >= 0 && byte('A'+sum%26) == s[15]
}

func bsn(s string) bool { return (weighted(s, 9, 8, 7, 6, 5, 4, 3, 2)-digitAt(s, 8))%11 == 0 }

func nif(s string) bool {
	check := 11 - weighted(s, 9, 8, 7, 6, 5, 4, 3, 2)%11
	return check%11%10 == digitAt(s, 8)
}

func tfn(s string) bool { return weighted(s, 1, 4, 3, 7, 5, 8, 6, 9, 10)%11 == 0 }

func israeli(s string) bool { return luhn(s) }

func belgian(s string) bool {
	key, _ := strconv.Atoi(s[9:])
	return born(s[4:6], s[2:4]) && (97-remainder(s[:9], 97) == key || 97-remainder("2"+s[:9], 97) == key)
}

func pesel(s string) bool {
	month := remainder(s[2:4], 20)
	return born(s[4:6], strconv.Itoa(month)) && (10-weighted(s, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3)%10)%10 == digitAt(s, 10)
}

func personnummer(s string) bool {
	if len(s) == 12 {
		if s[:2] != "19" && s[:2] != "20" {
			return false
		}
		s = s[2:]
	}
	day := remainder(s[4:6], 60) // plus 60 without citizenship
	return born(strconv.Itoa(day), s[2:4]) && luhn(s)
}

func hetu(s string) bool {
	s = s[:6] + s[len(s)-4:]
	return bornDDMMYY(s) && "0123456789ABCDEFHJKLMNPRSTUVWXY"[remainder(s[:9], 31)] == s[9]
}

func fodselsnummer(s string) bool {
	day := remainder(s[:2], 40)
	first, second := (11-weighted(s, 3, 7, 6, 1, 8, 9, 4, 5, 2)%11)%11, (11-weighted(s, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11
	return born(strconv.Itoa(day), s[2:4]) && first == digitAt(s, 9) && second == digitAt(s, 10)
}

func nino(s string) bool {
	return strings.IndexByte("DFIQUV", s[0]) < 0 && strings.IndexByte("DFIOQUV", s[1]) < 0 && s[8] >= 'A' && s[8] <= 'D' &&
		!strings.Contains(" BG GB KN NK NT TN ZZ ", " "+s[:2]+" ")
}

func nhs(s string) bool {
	return (11-weighted(s, 10, 9, 8, 7, 6, 5, 4, 3, 2)%11)%11 == digitAt(s, 9)
}

func cpf(s string) bool {
	if strings.Count(s, s[:1]) == len(s) {
		return false
	}
	for n := 9; n <= 10; n++ {
		sum := 0
		for i := range n {
			sum += digitAt(s, i) * (n + 1 - i)
		}
		if sum*10%11%10 != digitAt(s, n) {
			return false
		}
	}
	return true
}

func cnpj(s string) bool {
	first := weighted(s, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2) * 10 % 11 % 10
	second := weighted(s, 6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2) * 10 % 11 % 10
	return first == digitAt(s, 12) && second == digitAt(s, 13)
}

// residentID checks those of China.
func residentID(s string) bool {
	sum := weighted(s, 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
	return (s[6:8] == "19" || s[6:8] == "20") && born(s[12:14], s[10:12]) && "10X98765432"[sum%11] == s[17]
}

func aadhaar(s string) bool { return s[0] >= '2' && verhoeff(s) }

// verhoeff reports whether a number is right by the check digit of the dihedral group of order 10.
func verhoeff(s string) bool {
	permuted, c := [...]int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}, 0
	for i := range len(s) {
		d := digitAt(s, len(s)-1-i)
		for range i % 8 {
			d = permuted[d]
		}
		switch {
		case c < 5 && d < 5:
			c = (c + d) % 5
		case c < 5:
			c = 5 + (c+d)%5
		case d < 5:
			c = 5 + (c-d)%5
		default:
			c = (c - d + 5) % 5
		}
	}
	return c == 0
}

func indianPAN(s string) bool { return strings.IndexByte("PCHABGJLFT", s[3]) >= 0 }

// residentRegistration checks those of Korea: numbers given since 2020 have no check digit.
func residentRegistration(s string) bool { return bornYYMMDD(s) && s[6] >= '1' && s[6] <= '8' }

func myNumber(s string) bool {
	r := weighted(s, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2) % 11
	if r <= 1 {
		return s[11] == '0'
	}
	return 11-r == digitAt(s, 11)
}

func tckn(s string) bool {
	odd, even := weighted(s, 1, 0, 1, 0, 1, 0, 1, 0, 1), weighted(s, 0, 1, 0, 1, 0, 1, 0, 1)
	return s[0] != '0' && ((odd*7-even)%10+10)%10 == digitAt(s, 9) && weighted(s, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)%10 == digitAt(s, 10)
}

func cnp(s string) bool {
	return s[0] != '0' && born(s[5:7], s[3:5]) && weighted(s, 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)%11%10 == digitAt(s, 12)
}

// rodneCislo checks birth numbers of the Czech Republic and Slovakia, in which the months of women are 50 more.
func rodneCislo(s string) bool {
	month := remainder(s[2:4], 50)
	if month > 20 {
		month -= 20
	}
	return born(s[4:6], strconv.Itoa(month)) && remainder(s, 11) == 0
}

func southAfrican(s string) bool { return bornYYMMDD(s) && s[10] <= '2' && luhn(s) }

func curp(s string) bool {
	return born(s[8:10], s[6:8]) && (s[10] == 'H' || s[10] == 'M' || s[10] == 'X')
}

func rfc(s string) bool { return born(s[8:10], s[6:8]) }

func snils(s string) bool {
	key, _ := strconv.Atoi(s[9:])
	return weighted(s, 9, 8, 7, 6, 5, 4, 3, 2, 1)%101%100 == key
}

func inn(s string) bool {
	if len(s) == 10 {
		return weighted(s, 2, 4, 10, 3, 5, 9, 4, 6, 8)%11%10 == digitAt(s, 9)
	}
	return weighted(s, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)%11%10 == digitAt(s, 10) && weighted(s, 3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)%11%10 == digitAt(s, 11)
}

// ahv checks Swiss social security numbers, which are EANs.
func ahv(s string) bool {
	return strings.HasPrefix(s, "756") && weighted(s, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1)%10 == 0
}

func nric(s string) bool {
	sum := weighted(s[1:], 2, 7, 6, 5, 4, 3, 2)
	switch s[0] {
	case 'S', 'T':
		return "JZIHGFEDCBA"[(sum+4*strings.Count("T", s[:1]))%11] == s[8]
	case 'F', 'G':
		return "XWUTRQPNMLK"[(sum+4*strings.Count("G", s[:1]))%11] == s[8]
	}
	return s[0] == 'M'
}

func ppsn(s string) bool {
	sum := weighted(s, 8, 7, 6, 5, 4, 3, 2)
	if len(s) == 9 {
		sum += 9 * int(s[8]-'A'+1)
	}
	return "WABCDEFGHIJKLMNOPQRSTUV"[sum%23] == s[7]
}

func egn(s string) bool { return weighted(s, 2, 4, 8, 5, 10, 9, 7, 3, 6)%11%10 == digitAt(s, 9) }

func baltic(s string) bool { return s[0] >= '1' && s[0] <= '6' && born(s[5:7], s[3:5]) }

func austrian(s string) bool {
	return born(s[4:6], s[6:8]) && (weighted(s, 3, 7, 9)+weighted(s[4:], 5, 8, 4, 2, 1, 6))%11 == digitAt(s, 3)
}

func cuit(s string) bool {
	return (11-weighted(s, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11 == digitAt(s, 10)
}

func emirates(s string) bool { return strings.HasPrefix(s, "784") }

// rut checks Chilean numbers, whose check digit may be K.
func rut(s string) bool {
	sum, weight := 0, 2
	for i := len(s) - 2; i >= 0; i-- {
		if !isDigit(s[i]) {
			return false
		}
		sum += digitAt(s, i) * weight
		if weight++; weight > 7 {
			weight = 2
		}
	}
	return "0K987654321"[sum%11] == s[len(s)-1] // 11 - sum%11, of which 11 is 0 and 10 is K
}

// taiwanese checks the numbers of Taiwan, whose letter stands for two digits.
func taiwanese(s string) bool {
	n := strings.IndexByte("ABCDEFGHJKLMNPQRSTUVXYWZIO", s[0]) + 10
	return (n/10+n%10*9+weighted(s[1:], 8, 7, 6, 5, 4, 3, 2, 1, 1))%10 == 0
}
