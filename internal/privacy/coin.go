package privacy

import (
	"crypto/sha256"
	"math/big"
	"strings"

	"ventriloquist/internal/lazyregexp"
)

var (
	// base58Word matches what may be an address or a key of a coin.
	base58Word = lazyregexp.New(`\b[1-9A-HJ-NP-Za-km-z]{25,112}\b`)
	// bech32Word matches addresses that begin with the name of their coin, and those of Ethereum.
	bech32Word = lazyregexp.New(`\b(?:(?:bc1|tb1|ltc1|addr1|cosmos1|osmo1)[02-9ac-hj-np-z]{25,110}|(?:BC1)[02-9AC-HJ-NP-Z]{25,87}|0x[0-9a-fA-F]{40}|bitcoincash:[qp][a-z0-9]{41})\b`)
	// hexKey matches private keys in hexadecimal, which look like digests.
	hexKey = lazyregexp.New(`\b(?:0x)?[0-9a-fA-F]{64}\b`)
)

// findCoins finds addresses of coins.
func (t *text) findCoins() (spans []span) {
	for _, at := range bech32Word.Get().FindAllStringIndex(t.s, -1) {
		if !t.inURL(at[0], at[1]) {
			spans = append(spans, span{start: at[0], end: at[1], value: strings.ToLower(t.s[at[0]:at[1]])})
		}
	}
	for _, at := range base58Word.Get().FindAllStringIndex(t.s, -1) {
		w := t.s[at[0]:at[1]]
		if !mixed(w) || t.inURL(at[0], at[1]) {
			continue
		}
		payload := fromBase58(w)
		monero := len(w) == 95 && (w[0] == '4' || w[0] == '8')
		solana := len(payload) == 32 && len(w) >= 43 && strings.ToLower(w) != w && t.near(coinWord, at[0], at[1], linkReach)
		if len(payload) == 25 && base58Checks(payload) || monero || solana || rippled(w) && t.near(coinWord, at[0], at[1], linkReach) {
			spans = append(spans, span{start: at[0], end: at[1], value: w})
		}
	}
	return spans
}

func rippled(w string) bool { return w[0] == 'r' && len(w) <= 35 && strings.ToLower(w) != w }

// takePrivate takes private keys of coins: in the import format of wallets, or in hexadecimal where the text calls them so.
func (t *text) takePrivate(take func(start, end int)) {
	for _, at := range base58Word.Get().FindAllStringIndex(t.s, -1) {
		w := t.s[at[0]:at[1]]
		if (len(w) == 51 || len(w) == 52) && strings.IndexByte("5KLc9", w[0]) >= 0 {
			if payload := fromBase58(w); (len(payload) == 37 || len(payload) == 38) && base58Checks(payload) {
				take(at[0], at[1])
			}
		}
	}
	for _, at := range hexKey.Get().FindAllStringIndex(t.s, -1) {
		if t.near(privateWord|seedWord, at[0], at[1], linkReach) {
			take(at[0], at[1])
		}
	}
}

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// fromBase58 decodes the alphabet of Bitcoin.
func fromBase58(s string) []byte {
	n, radix := new(big.Int), big.NewInt(58)
	for i := range len(s) {
		n.Add(n.Mul(n, radix), big.NewInt(int64(strings.IndexByte(base58, s[i]))))
	}
	zeros := 0
	for zeros < len(s) && s[zeros] == '1' {
		zeros++
	}
	return append(make([]byte, zeros), n.Bytes()...)
}

// base58Checks reports whether the last four bytes are those of the double digest of the others.
func base58Checks(b []byte) bool {
	body, check := b[:len(b)-4], b[len(b)-4:]
	once := sha256.Sum256(body)
	twice := sha256.Sum256(once[:])
	return string(twice[:4]) == string(check)
}
