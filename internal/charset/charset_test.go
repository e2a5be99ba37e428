package charset_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"ventriloquist/internal/charset"
)

// texts are a few words in many languages, and the encodings of their countries.
var texts = map[string]struct {
	words     string
	encodings []encoding.Encoding
}{
	"German":     {"Grüße aus München, größer als fein", []encoding.Encoding{charmap.Windows1252, charmap.Macintosh, charmap.CodePage850}},
	"French":     {"Ça va très bien, merci – à bientôt, l’été arrive", []encoding.Encoding{charmap.Windows1252, charmap.Macintosh}},
	"Spanish":    {"¿Qué pasó mañana? ¡Adiós, niño!", []encoding.Encoding{charmap.Windows1252}},
	"Portuguese": {"Não sei, você está aí? Até amanhã, irmão", []encoding.Encoding{charmap.Windows1252}},
	"Swedish":    {"Hej då, jag är på väg över ån", []encoding.Encoding{charmap.Windows1252}},
	"Danish":     {"Rødgrød med fløde på bjørnens æg", []encoding.Encoding{charmap.Windows1252}},
	"Icelandic":  {"Hvað ertu að gera á morgun? Það er gott", []encoding.Encoding{charmap.Windows1252}},
	"Polish":     {"Zażółć gęślą jaźń, proszę, już idę", []encoding.Encoding{charmap.Windows1250, charmap.ISO8859_2}},
	"Czech":      {"Příliš žluťoučký kůň úpěl ďábelské ódy", []encoding.Encoding{charmap.Windows1250, charmap.ISO8859_2}},
	"Hungarian":  {"Jó napot, hogy vagy? Köszönöm, jól vagyok, győztünk, szűk", []encoding.Encoding{charmap.Windows1250}},
	"Romanian":   {"Bună ziua, ce mai faceţi? Mâine în oraş", []encoding.Encoding{charmap.Windows1250}},
	"Croatian":   {"Što radiš večeras? Idemo kući, đak piše", []encoding.Encoding{charmap.Windows1250}},
	"Turkish":    {"Günaydın, nasılsın? Şimdi çıkıyorum, İyi geceler, ağaç", []encoding.Encoding{charmap.Windows1254, charmap.ISO8859_9}},
	"Lithuanian": {"Labas rytas, kaip sekasi? Ačiū, gerai, žąsys ėda", []encoding.Encoding{charmap.Windows1257}},
	"Russian":    {"Привет, как дела? Хорошо, спасибо, ВСЁ", []encoding.Encoding{charmap.Windows1251, charmap.KOI8R, charmap.CodePage866, charmap.ISO8859_5}},
	"Ukrainian":  {"Привіт, як справи? Добре, дякую, її їжак", []encoding.Encoding{charmap.Windows1251, charmap.KOI8U}},
	"Greek":      {"Καλημέρα σας, τι κάνετε; Ευχαριστώ πολύ", []encoding.Encoding{charmap.Windows1253}},
	"Hebrew":     {"שלום מה שלומך היום אני בסדר תודה", []encoding.Encoding{charmap.Windows1255, charmap.ISO8859_8}},
	"Arabic":     {"السلام عليكم كيف الحال؟ بخير والحمد لله", []encoding.Encoding{charmap.Windows1256}},
	"Thai":       {"สวัสดีครับ สบายดีไหม วันนี้ไปไหน", []encoding.Encoding{charmap.Windows874}},
	"Japanese":   {"おはようございます。今日は元気ですか？カメラを見た", []encoding.Encoding{japanese.ShiftJIS, japanese.EUCJP}},
	"Korean":     {"안녕하세요, 오늘 저녁에 뭐 해요? 나는 집에 있어요", []encoding.Encoding{korean.EUCKR}},
	"Chinese":    {"你好，今天怎么样？我们明天去吃饭吧，谢谢", []encoding.Encoding{simplifiedchinese.GBK, simplifiedchinese.GB18030}},
	"Taiwanese":  {"你好，今天怎麼樣？我們明天去吃飯吧，謝謝", []encoding.Encoding{traditionalchinese.Big5}},
}

func TestReader_RecognizesEncodings(t *testing.T) {
	t.Parallel()
	for language, c := range texts {
		for _, e := range c.encodings {
			const before, after = "13/03/2024, 19:02 - John: ok\n13/03/2024, 19:03 - John: ", "\n13/03/2024, 19:04 - John: ok\n"
			words, err := e.NewEncoder().String(c.words)
			if err != nil {
				t.Fatalf("%s in %v: %v", language, e, err)
			}
			in := before + words + after
			for _, r := range []*charset.Reader{charset.NewReader(strings.NewReader(in)), charset.NewReader(iotest.OneByteReader(strings.NewReader(in)))} {
				if got, err := io.ReadAll(r); err != nil || string(got) != before+c.words+after || r.Encoding() == "" {
					t.Errorf("%s in %v is %q (%s), error %v", language, e, got, r.Encoding(), err)
				}
			}
		}
	}
}

func TestReader_LeavesUTF8(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("plain words\n", 100_000)
	for _, text := range []string{"", "a", "é", "日本", "é\x81", "Grüße \xff und mehr 😀", "é\xc3", long + "é" + long, long + "é\x81" + long,
		strings.Repeat("é ", 2000) + strings.Repeat("\xe9 ", 5000)} {
		for _, in := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			r := charset.NewReader(in)
			got, err := io.ReadAll(r)
			if err != nil || text != string(got) || r.Encoding() != "" {
				t.Errorf("%.40q is %.40q (%s), error %v", text, got, r.Encoding(), err)
			}
		}
	}
	for _, c := range texts {
		if got, name := charset.Decode([]byte(c.words)); got != c.words || name != "" {
			t.Errorf("%q is %q (%s)", c.words, got, name)
		}
	}
}

// A byte that is not UTF-8 is found wherever it stands among ASCII, which is passed over eight bytes at a time.
func TestDecode_FindsALetterAtAnyPlace(t *testing.T) {
	t.Parallel()
	for n := range 20 {
		for m := range 20 {
			before, after := strings.Repeat("a", n)+" ", " "+strings.Repeat("b", m)
			if got, _ := charset.Decode([]byte(before + "caf\xe9" + after)); got != before+"café"+after {
				t.Errorf("behind %d bytes it is %q", n, got)
			}
		}
	}
}

// What is in UTF-8 in the middle of a text in another encoding stays.
func TestReader_TwoEncodings(t *testing.T) {
	t.Parallel()
	got, name := charset.Decode([]byte("cr\xe8me br\xfbl\xe9e\nna\xefve\né 😀 привет\nd\xe9j\xe0\n"))
	if want := "crème brûlée\nnaïve\né 😀 привет\ndéjà\n"; got != want || name == "" {
		t.Errorf("it is %q (%s)", got, name)
	}
}

func TestReader_UTF16(t *testing.T) {
	t.Parallel()
	for language, c := range texts {
		text := "13/03/2024, 19:02 - John: " + c.words + "\n"
		for _, e := range []encoding.Encoding{unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), unicode.UTF16(unicode.BigEndian, unicode.UseBOM), unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), unicode.UTF8BOM} {
			in, err := e.NewEncoder().String(text)
			if err != nil {
				t.Fatal(err)
			}
			r := charset.NewReader(strings.NewReader(in))
			if got, err := io.ReadAll(r); err != nil || string(got) != text || !r.Transformed() && e != unicode.UTF8BOM {
				t.Errorf("%s in %v is %q, error %v", language, e, got, err)
			}
		}
	}
}

func TestReader_PassesErrorsOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, text := range []string{"", "plain", "caf\xe9", strings.Repeat("é", 3000)} {
		if _, err := io.ReadAll(charset.NewReader(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))); !errors.Is(err, broken) {
			t.Errorf("%q: error %v", text[:min(len(text), 9)], err)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, c := range texts {
		f.Add([]byte(c.words))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		whole, err := io.ReadAll(charset.NewReader(bytes.NewReader(text)))
		pieces, err2 := io.ReadAll(charset.NewReader(iotest.OneByteReader(bytes.NewReader(text))))
		if err != nil || err2 != nil || !bytes.Equal(whole, pieces) {
			t.Errorf("%q: %q and %q, errors %v, %v", text, whole, pieces, err, err2)
		}
	})
}
