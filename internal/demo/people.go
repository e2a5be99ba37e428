package demo

// The owner of the demonstration's messages.
const (
	Owner        = "daftykins"
	OwnerAddress = "+12025550100"
)

// contact is a person of the demonstration with one address per nickname. The telephone numbers are from the range reserved
// for fiction.
type contact struct {
	name      string
	addresses []address
}

type address struct{ nick, id string }

var contacts = []contact{
	{"BZWingZero", []address{{"BZWingZero", "+12025550101"}}},
	{"EriC^^", []address{{"EriC^^", "+12025550102"}}},
	{"ObrienDave", []address{{"ObrienDave", "obriendave@example.org"}}},
	{"OerHeks", []address{{"OerHeks", "+12025550103"}}},
	{"RubyDZ", []address{{"RubyDZ", "+12025550104"}}},
	{"TJ-", []address{{"TJ-", "+12025550105"}}},
	{"TomyWork", []address{{"TomyWork", "tomy@example.com"}}},
	{"cfhowlett", []address{{"cfhowlett", "+12025550106"}}},
	{"k1l", []address{{"k1l", "+12025550107"}, {"k1l_", "k1l@example.net"}}},
	{"lotuspsychje", []address{{"lotuspsychje", "+12025550108"}}},
	{"lsfret", []address{{"lsfret", "+12025550109"}, {"lsftex", "lsfret@example.com"}}},
	{"regum", []address{{"regum", "+12025550110"}}},
}
