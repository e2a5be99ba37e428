package main

import (
	"fmt"
	"strings"
)

// mod11 returns the weighted sum of digits modulo 11.
func mod11(digits string, weights ...int) int { return weighted(digits, weights...) % 11 }

func (m *maker) dateOf() (string, string, string) {
	yy, mm, dd := m.birth()
	return fmt.Sprintf("%02d", yy), fmt.Sprintf("%02d", mm), fmt.Sprintf("%02d", dd)
}

// worldIDs are national numbers of more countries, by their publications.
var worldIDs = map[string]func(m *maker) string{
	"rut": func(m *maker) string { // Chile: weights 2 to 7 from the right
		n := m.digits("1#######")
		sum := 0
		for i := range len(n) {
			sum += int(n[len(n)-1-i]-'0') * (2 + i%6)
		}
		check := map[int]string{10: "K", 11: "0"}[11-sum%11]
		if check == "" {
			check = fmt.Sprint(11 - sum%11)
		}
		return pick(m, n[:2]+"."+n[2:5]+"."+n[5:]+"-"+check, n+"-"+check)
	},
	"cuit": func(m *maker) string { // Argentina
		return until(func() string {
			n := pick(m, "20", "27", "23") + m.digits("########")
			check := (11 - mod11(n, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
			if check == 10 {
				return ""
			}
			return pick(m, fmt.Sprintf("%s-%s-%d", n[:2], n[2:], check), fmt.Sprintf("%s%d", n, check))
		})
	},
	"uyci": func(m *maker) string { // Uruguay
		n := m.digits("4######")
		check := (10 - weighted(n, 2, 9, 8, 7, 6, 3, 4)%10) % 10
		return fmt.Sprintf("%s.%s.%s-%d", n[:1], n[1:4], n[4:], check)
	},
	"ecci": func(m *maker) string { // Ecuador
		n := pick(m, "17", "09", "01") + m.digits("3######")
		sum := 0
		for i := range n {
			d := int(n[i] - '0')
			if i%2 == 0 {
				if d *= 2; d > 9 {
					d -= 9
				}
			}
			sum += d
		}
		return fmt.Sprintf("%s%d", n, (10-sum%10)%10)
	},
	"taj": func(m *maker) string { // Hungary, social security
		n := m.digits("########")
		return fmt.Sprintf("%s %s %s%d", n[:3], n[3:6], n[6:], weighted(n, 3, 7, 3, 7, 3, 7, 3, 7)%10)
	},
	"isikukood": func(m *maker) string { // Estonia and Lithuania
		yy, mm, dd := m.dateOf()
		n := pick(m, "3", "4") + yy + mm + dd + m.digits("###")
		check := mod11(n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1)
		if check == 10 {
			check = mod11(n, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3) % 10
		}
		return fmt.Sprintf("%s%d", n, check)
	},
	"jmbg": func(m *maker) string { // Serbia, Bosnia, Slovenia and others
		return until(func() string {
			yy, mm, dd := m.dateOf()
			n := dd + mm + "9" + yy + "71" + m.digits("####")
			n = n[:12]
			check := 11 - mod11(n, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
			if check == 10 {
				return ""
			}
			return fmt.Sprintf("%s%d", n, check%11)
		})
	},
	"rnokpp": func(m *maker) string { // Ukraine
		n := "3" + m.digits("########")
		n = n[:9]
		sum := 0
		for i, w := range []int{-1, 5, 7, 9, 4, 6, 10, 5, 7} {
			sum += w * int(n[i]-'0')
		}
		return fmt.Sprintf("%s%d", n, (sum%11+11)%11%10)
	},
	"iin": func(m *maker) string { // Kazakhstan
		return until(func() string {
			yy, mm, dd := m.dateOf()
			n := yy + mm + dd + pick(m, "3", "4") + m.digits("####")
			check := mod11(n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
			if check == 10 {
				check = mod11(n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
			}
			if check == 10 {
				return ""
			}
			return fmt.Sprintf("%s%d", n, check)
		})
	},
	"thid": func(m *maker) string { // Thailand
		n := m.digits("%###########")
		check := (11 - mod11(n, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)) % 10
		return pick(m, fmt.Sprintf("%s%d", n, check), fmt.Sprintf("%s-%s-%s-%s-%d", n[:1], n[1:5], n[5:10], n[10:], check))
	},
	"mykad": func(m *maker) string { // Malaysia
		yy, mm, dd := m.dateOf()
		return yy + mm + dd + "-" + pick(m, "14", "10", "08") + "-" + m.digits("####")
	},
	"twid": func(m *maker) string { // Taiwan
		letter := m.IntN(8) // A to H are 10 to 17
		code := 10 + letter
		n := pick(m, "1", "2") + m.digits("#######")
		sum := code/10 + code%10*9 + weighted(n, 8, 7, 6, 5, 4, 3, 2, 1)
		return fmt.Sprintf("%c%s%d", 'A'+letter, n, (10-sum%10)%10)
	},
	"hkid": func(m *maker) string { // Hong Kong
		letter := m.IntN(26)
		n := m.digits("######")
		sum := 36*9 + (10+letter)*8 + weighted(n, 7, 6, 5, 4, 3, 2)
		check := (11 - sum%11) % 11
		return fmt.Sprintf("%c%s(%s)", 'A'+letter, n, map[bool]string{true: "A", false: fmt.Sprint(check)}[check == 10])
	},
	"melli": func(m *maker) string { // Iran
		n := "00" + m.digits("7######")
		sum := mod11(n, 10, 9, 8, 7, 6, 5, 4, 3, 2)
		if sum >= 2 {
			sum = 11 - sum
		}
		return fmt.Sprintf("%s%d", n, sum)
	},
	"cnic": func(m *maker) string { return m.digits("3520#-#######-#") }, // Pakistan
	"egid": func(m *maker) string { // Egypt
		yy, mm, dd := m.dateOf()
		return "2" + yy + mm + dd + "01" + m.digits("#####")
	},
	"emirates": func(m *maker) string { // United Arab Emirates
		yy, _, _ := m.dateOf()
		n := "78419" + yy + m.digits("#######")
		return "784-19" + yy + "-" + n[7:] + "-" + luhnDigit(n)
	},
	"iqama": func(m *maker) string { // Saudi Arabia
		n := m.digits("2########")
		return n + luhnDigit(n)
	},
	"amka": func(m *maker) string { // Greece, social security
		yy, mm, dd := m.dateOf()
		n := dd + mm + yy + m.digits("####")
		return n + luhnDigit(n)
	},
	"afm": func(m *maker) string { // Greece, tax
		n := m.digits("1#######")
		return fmt.Sprintf("%s%d", n, mod11(n, 256, 128, 64, 32, 16, 8, 4, 2)%10)
	},
	"kennitala": func(m *maker) string { // Iceland
		return until(func() string {
			yy, mm, dd := m.dateOf()
			n := dd + mm + yy + m.digits("##")
			check := (11 - mod11(n, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
			if check == 10 {
				return ""
			}
			return fmt.Sprintf("%s-%s%d9", n[:6], n[6:], check)
		})
	},
	"ird": func(m *maker) string { // New Zealand
		return until(func() string {
			n := m.digits("49######")
			check := (11 - mod11("0"+n[:7], 3, 2, 7, 6, 5, 4, 3, 2)) % 11
			if check == 10 {
				return ""
			}
			return fmt.Sprintf("%s-%s-%s%d", n[:2], n[2:5], n[5:7], check)
		})
	},
	"medicare": func(m *maker) string { // Australia
		n := m.digits("2#######")
		check := weighted(n, 1, 3, 7, 9, 1, 3, 7, 9) % 10
		return fmt.Sprintf("%s %s%d 1", n[:4], n[4:], check)
	},
	"nik": func(m *maker) string {
		dd := 1 + m.IntN(28)
		return fmt.Sprintf("317401%02d0%d9%d000%d", dd, 1+m.IntN(9), m.IntN(9), 1+m.IntN(9))
	}, // Indonesia
	"cccd": func(m *maker) string { return m.digits("001#9#######") }, // Vietnam
	"lu": func(m *maker) string { // Luxembourg: Luhn and Verhoeff over date and order
		yy, mm, dd := m.dateOf()
		n := "19" + yy + mm + dd + m.digits("###")
		return n + luhnDigit(n) + verhoeffDigit(n)
	},
	"personas": func(m *maker) string { // Latvia
		return until(func() string {
			yy, mm, dd := m.dateOf()
			n := dd + mm + yy + "1" + m.digits("###")
			check := (1101 - weighted(n, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)) % 11
			if check == 10 {
				return ""
			}
			return fmt.Sprintf("%s-%s%d", n[:6], n[6:], check)
		})
	},
	"adoazonosito": func(m *maker) string { // Hungary, tax
		return until(func() string {
			n := m.digits("83#######")
			check := mod11(n, 1, 2, 3, 4, 5, 6, 7, 8, 9)
			if check == 10 {
				return ""
			}
			return fmt.Sprintf("%s%d", n, check)
		})
	},
	"titulo": func(m *maker) string { // Brazil, PIS: weights 3 2 9 8 7 6 5 4 3 2
		n := m.digits("120#######")
		check := (11 - mod11(n, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
		if check == 10 {
			check = 0
		}
		return fmt.Sprintf("%s.%s.%s-%d", n[:3], n[3:8], n[8:], check)
	},
	"nss": func(m *maker) string { // Mexico, social security
		n := m.digits("##########")
		return n + luhnDigit(n)
	},
	"npi": func(m *maker) string { return strings.ToUpper(m.digits("1EG4-TE5-MK##")) }, // US, Medicare beneficiary
}

func init() {
	for name, f := range worldIDs {
		ids[name] = f
	}
}
