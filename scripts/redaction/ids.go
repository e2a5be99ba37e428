package main

import (
	"fmt"
	"strings"
)

// id makes a national number with its check digits, in one of the forms it is written in.
func (m *maker) id(name string) string {
	if f := ids[name]; f != nil {
		return f(m)
	}
	return ""
}

// weighted returns the sum of the digits times the weights.
func weighted(digits string, weights ...int) (sum int) {
	for i, w := range weights {
		sum += w * int(digits[i]-'0')
	}
	return sum
}

func luhnDigit(digits string) string {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return fmt.Sprint((10 - sum%10) % 10)
}

func ean(digits string) string {
	sum := weighted(digits, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3)
	return digits + fmt.Sprint((10-sum%10)%10)
}

// until repeats make until it returns a value.
func until(make func() string) string {
	for {
		if s := make(); s != "" {
			return s
		}
	}
}

func (m *maker) birth() (yy, mm, dd int) { return 50 + m.IntN(49), 1 + m.IntN(12), 1 + m.IntN(28) }

var ids = map[string]func(m *maker) string{
	"ssn": func(m *maker) string {
		return fmt.Sprintf("%03d-%02d-%04d", 100+m.IntN(500), 1+m.IntN(98), 1+m.IntN(9998))
	},
	"ssn9": func(m *maker) string {
		return fmt.Sprintf("%03d%02d%04d", 100+m.IntN(500), 1+m.IntN(98), 1+m.IntN(9998))
	},
	"steuerid": func(m *maker) string {
		perm := m.Perm(10)
		d := make([]byte, 10)
		for i := range 10 {
			d[i] = byte('0' + perm[i])
		}
		d[9] = d[3] // one digit twice
		if d[0] == '0' {
			d[0], d[1] = d[1], d[0]
		}
		product := 10
		for _, c := range d {
			sum := (int(c-'0') + product) % 10
			if sum == 0 {
				sum = 10
			}
			product = sum * 2 % 11
		}
		s := string(d) + fmt.Sprint((11-product)%10)
		return pick(m, s, s[:2]+" "+s[2:5]+" "+s[5:8]+" "+s[8:])
	},
	"nir": func(m *maker) string {
		yy, mm, _ := m.birth()
		s := fmt.Sprintf("%d%02d%02d%02d%03d%03d", 1+m.IntN(2), yy, mm, 1+m.IntN(95), 1+m.IntN(900), 1+m.IntN(900))
		var n int
		fmt.Sscan(s, &n)
		key := fmt.Sprintf("%02d", 97-n%97)
		return pick(m, s+key, s[:1]+" "+s[1:3]+" "+s[3:5]+" "+s[5:7]+" "+s[7:10]+" "+s[10:13]+" "+key)
	},
	"dni": func(m *maker) string {
		n := 10000000 + m.IntN(89999999)
		return fmt.Sprintf(pick(m, "%d%c", "%d-%c"), n, "TRWAGMYFPDXBNJZSQVHLCKE"[n%23])
	},
	"nie": func(m *maker) string {
		lead, n := m.IntN(3), m.IntN(10000000)
		return fmt.Sprintf("%c%07d%c", "XYZ"[lead], n, "TRWAGMYFPDXBNJZSQVHLCKE"[(lead*10000000+n)%23])
	},
	"cf": func(m *maker) string {
		yy, mm, dd := m.birth()
		s := m.from("BCDFGLMNPRSTV", 6) + fmt.Sprintf("%02d%c%02d%c%03d", yy, "ABCDEHLMPRST"[mm-1], dd, "ABCDFGHL"[m.IntN(8)], 1+m.IntN(900))
		return pick(m, s+codiceCheck(s), strings.ToLower(s+codiceCheck(s)))
	},
	"bsn": func(m *maker) string {
		return until(func() string {
			s := m.digits("%########")
			if (weighted(s, 9, 8, 7, 6, 5, 4, 3, 2)-int(s[8]-'0'))%11 != 0 {
				return ""
			}
			return s
		})
	},
	"be": func(m *maker) string {
		yy, mm, dd := m.birth()
		s := fmt.Sprintf("%02d%02d%02d%03d", yy, mm, dd, 1+m.IntN(997))
		var n int
		fmt.Sscan(s, &n)
		return s[:2] + "." + s[2:4] + "." + s[4:6] + "-" + s[6:] + "." + fmt.Sprintf("%02d", 97-n%97)
	},
	"nif": func(m *maker) string {
		s := m.digits("2#######")
		r := 11 - weighted(s, 9, 8, 7, 6, 5, 4, 3, 2)%11
		if r > 9 {
			r = 0
		}
		s += fmt.Sprint(r)
		return pick(m, s, s[:3]+" "+s[3:6]+" "+s[6:])
	},
	"pesel": func(m *maker) string {
		yy, mm, dd := m.birth()
		s := fmt.Sprintf("%02d%02d%02d%04d", yy, mm, dd, m.IntN(10000))
		return s + fmt.Sprint((10-weighted(s, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3)%10)%10)
	},
	"pnr": func(m *maker) string {
		yy, mm, dd := m.birth()
		s := fmt.Sprintf("%02d%02d%02d%03d", yy, mm, dd, m.IntN(1000))
		s += luhnDigit(s)
		return pick(m, s[:6]+"-"+s[6:], "19"+s[:6]+"-"+s[6:], "19"+s)
	},
	"hetu": func(m *maker) string {
		yy, mm, dd := m.birth()
		a, b := fmt.Sprintf("%02d%02d%02d", dd, mm, yy), fmt.Sprintf("%03d", 2+m.IntN(890))
		var n int
		fmt.Sscan(strings.TrimLeft(a+b, "0"), &n)
		return a + "-" + b + string("0123456789ABCDEFHJKLMNPRSTUVWXY"[n%31])
	},
	"fnr": func(m *maker) string {
		return until(func() string {
			yy, mm, dd := m.birth()
			s := fmt.Sprintf("%02d%02d%02d%03d", dd, mm, yy, m.IntN(500))
			k1 := (11 - weighted(s, 3, 7, 6, 1, 8, 9, 4, 5, 2)%11) % 11
			if k1 == 10 {
				return ""
			}
			s += fmt.Sprint(k1)
			k2 := (11 - weighted(s, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11) % 11
			if k2 == 10 {
				return ""
			}
			s += fmt.Sprint(k2)
			return pick(m, s, s[:6]+" "+s[6:])
		})
	},
	"cpr": func(m *maker) string {
		yy, mm, dd := m.birth()
		return fmt.Sprintf("%02d%02d%02d-%04d", dd, mm, yy, m.IntN(4000))
	},
	"nino": func(m *maker) string {
		s := pick(m, "AB", "CE", "JK", "PW", "SZ") + m.digits("######") + pick(m, "A", "B", "C", "D")
		return pick(m, s, s[:2]+" "+s[2:4]+" "+s[4:6]+" "+s[6:8]+" "+s[8:])
	},
	"nhs": func(m *maker) string {
		return until(func() string {
			s := m.digits("4########")
			r := 11 - weighted(s, 10, 9, 8, 7, 6, 5, 4, 3, 2)%11
			if r == 10 {
				return ""
			}
			s += fmt.Sprint(r % 11)
			return pick(m, s, s[:3]+" "+s[3:6]+" "+s[6:])
		})
	},
	"cpf": func(m *maker) string {
		s := m.digits("#########")
		for range 2 {
			sum := 0
			for i := range len(s) {
				sum += int(s[i]-'0') * (len(s) + 1 - i)
			}
			s += fmt.Sprint(sum * 10 % 11 % 10)
		}
		return pick(m, s, s[:3]+"."+s[3:6]+"."+s[6:9]+"-"+s[9:])
	},
	"cnpj": func(m *maker) string {
		s := m.digits("########0001")
		for _, w := range [][]int{{5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2}, {6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2}} {
			r := weighted(s, w...) % 11
			if r < 2 {
				r = 11
			}
			s += fmt.Sprint(11 - r)
		}
		return s[:2] + "." + s[2:5] + "." + s[5:8] + "/" + s[8:12] + "-" + s[12:]
	},
	"cnid": func(m *maker) string {
		_, mm, dd := m.birth()
		s := fmt.Sprintf("%s%d%02d%02d%03d", pick(m, "110101", "310104", "440305", "330106"), 1960+m.IntN(45), mm, dd, m.IntN(1000))
		return s + string("10X98765432"[weighted(s, 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)%11])
	},
	"aadhaar": func(m *maker) string {
		s := m.digits("[%#########")
		s = fmt.Sprint(2+m.IntN(8)) + s[1:]
		s += verhoeffDigit(s)
		return pick(m, s, s[:4]+" "+s[4:8]+" "+s[8:])
	},
	"pan": func(m *maker) string {
		return m.from(uppers, 3) + "P" + m.from(uppers, 1) + m.digits("####") + m.from(uppers, 1)
	},
	"rrn": func(m *maker) string {
		yy, mm, dd := m.birth()
		s := fmt.Sprintf("%02d%02d%02d%d%05d", yy, mm, dd, 1+m.IntN(2), m.IntN(100000))
		s += fmt.Sprint((11 - weighted(s, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)%11) % 10)
		return s[:6] + "-" + s[6:]
	},
	"mynumber": func(m *maker) string {
		s := m.digits("###########")
		r := weighted(s, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2) % 11
		if r <= 1 {
			r = 11
		}
		s += fmt.Sprint(11 - r)
		return pick(m, s, s[:4]+" "+s[4:8]+" "+s[8:])
	},
	"tckn": func(m *maker) string {
		s := m.digits("%########")
		odd, even := weighted(s, 1, 0, 1, 0, 1, 0, 1, 0, 1), weighted(s, 0, 1, 0, 1, 0, 1, 0, 1)
		s += fmt.Sprint(((odd*7-even)%10 + 10) % 10)
		return s + fmt.Sprint(weighted(s, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)%10)
	},
	"cnp": func(m *maker) string {
		yy, mm, dd := m.birth()
		s := fmt.Sprintf("%d%02d%02d%02d%02d%03d", 1+m.IntN(2), yy, mm, dd, 1+m.IntN(46), 1+m.IntN(998))
		return s + fmt.Sprint(weighted(s, 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)%11%10)
	},
	"rc": func(m *maker) string {
		return until(func() string {
			yy, mm, dd := m.birth()
			s := fmt.Sprintf("%02d%02d%02d%04d", yy, mm+50*m.IntN(2), dd, m.IntN(10000))
			var n int
			fmt.Sscan(strings.TrimLeft(s, "0"), &n)
			if n%11 != 0 {
				return ""
			}
			return s[:6] + "/" + s[6:]
		})
	},
	"sin": func(m *maker) string {
		s := m.digits("4#######")
		s += luhnDigit(s)
		return pick(m, s[:3]+" "+s[3:6]+" "+s[6:], s[:3]+"-"+s[3:6]+"-"+s[6:], s)
	},
	"tfn": func(m *maker) string {
		return until(func() string {
			s := m.digits("%########")
			if weighted(s, 1, 4, 3, 7, 5, 8, 6, 9, 10)%11 != 0 {
				return ""
			}
			return pick(m, s, s[:3]+" "+s[3:6]+" "+s[6:])
		})
	},
	"ilid": func(m *maker) string {
		s := m.digits("3#######")
		return s + luhnDigit(s)
	},
	"said": func(m *maker) string {
		yy, mm, dd := m.birth()
		s := fmt.Sprintf("%02d%02d%02d%04d08", yy, mm, dd, m.IntN(10000))
		return s + luhnDigit(s)
	},
	"curp": func(m *maker) string {
		yy, mm, dd := m.birth()
		s := m.from("BCDFGLM", 1) + m.from("AEIO", 1) + m.from("PRSTV", 2) + fmt.Sprintf("%02d%02d%02d", yy, mm, dd) + pick(m, "H", "M") + pick(m, "DF", "JC", "NL", "MC") + m.from("BCDFGLMNPRST", 3) + "0"
		sum := 0
		for i, c := range s {
			sum += strings.IndexRune("0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ", c) * (18 - i)
			if c > 'N' { // Ñ takes two bytes in the alphabet
				sum -= 18 - i
			}
		}
		return s + fmt.Sprint((10-sum%10)%10)
	},
	"rfc": func(m *maker) string {
		yy, mm, dd := m.birth()
		return m.from("BCDFGLM", 1) + m.from("AEIO", 1) + m.from("PRSTV", 2) + fmt.Sprintf("%02d%02d%02d", yy, mm, dd) + m.from("ABCDEFGH123456789", 3)
	},
	"inn": func(m *maker) string {
		s := m.digits("77########")
		s += fmt.Sprint(weighted(s, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8) % 11 % 10)
		return s + fmt.Sprint(weighted(s, 3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)%11%10)
	},
	"snils": func(m *maker) string {
		s := m.digits("1########")
		sum := weighted(s, 9, 8, 7, 6, 5, 4, 3, 2, 1) % 101 % 100
		return fmt.Sprintf("%s-%s-%s %02d", s[:3], s[3:6], s[6:], sum)
	},
	"ahv": func(m *maker) string {
		s := ean("756" + m.digits("#########"))
		return s[:3] + "." + s[3:7] + "." + s[7:11] + "." + s[11:]
	},
	"nric": func(m *maker) string {
		s := m.digits("#######")
		return "S" + s + string("JZIHGFEDCBA"[weighted(s, 2, 7, 6, 5, 4, 3, 2)%11])
	},
	"egn": func(m *maker) string {
		yy, mm, dd := m.birth()
		s := fmt.Sprintf("%02d%02d%02d%03d", yy, mm, dd, m.IntN(1000))
		return s + fmt.Sprint(weighted(s, 2, 4, 8, 5, 10, 9, 7, 3, 6)%11%10)
	},
	"oib": func(m *maker) string {
		s := m.digits("##########")
		product := 10
		for _, c := range s {
			sum := (int(c-'0') + product) % 10
			if sum == 0 {
				sum = 10
			}
			product = sum * 2 % 11
		}
		return s + fmt.Sprint((11-product)%10)
	},
	"ppsn": func(m *maker) string {
		s := m.digits("#######")
		return s + string("WABCDEFGHIJKLMNOPQRSTUV"[weighted(s, 8, 7, 6, 5, 4, 3, 2)%23])
	},
}

// codiceCheck is the last letter of an Italian codice fiscale.
func codiceCheck(s string) string {
	odd := []int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}
	sum := 0
	for i, c := range s {
		n := int(c - '0')
		if c >= 'A' {
			n = int(c - 'A')
		}
		if i%2 == 0 {
			n = odd[n]
		}
		sum += n
	}
	return string(rune('A' + sum%26))
}

// verhoeffDigit is the check digit of the dihedral group of order 10.
func verhoeffDigit(digits string) string {
	multiply := func(a, b int) int {
		switch {
		case a < 5 && b < 5:
			return (a + b) % 5
		case a < 5:
			return 5 + (a+b-5)%5
		case b < 5:
			return 5 + (a-5-b+5)%5
		}
		return (a - b + 5) % 5
	}
	permute := []int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
	c := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		for range (i + 1) % 8 {
			d = permute[d]
		}
		c = multiply(c, d)
	}
	if c < 5 {
		c = (5 - c) % 5
	}
	return fmt.Sprint(c)
}
