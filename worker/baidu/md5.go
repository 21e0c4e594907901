package baidu

import (
	"crypto/md5" //nolint:gosec // what Baidu compares by
	"encoding/hex"
	"encoding/json"
	"strings"
)

// sum is one slice's md5; the zero value stands for "not known".
type sum [md5.Size]byte

func (s sum) known() bool    { return s != sum{} }
func (s sum) String() string { return hex.EncodeToString(s[:]) }

func parseSum(text string) (s sum, ok bool) {
	b, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) != len(s) {
		return s, false
	}
	return sum(b), true
}

// decodeMD5 undoes the disguise in which listings, metas and creates give an md5: its 10th character is g…v. An undisguised one
// comes back as it is, anything else empty.
func decodeMD5(given string) string {
	given = strings.ToLower(strings.TrimSpace(given))
	if _, ok := parseSum(given); ok {
		return given
	}
	if len(given) != 2*md5.Size || given[9] < 'g' || given[9] > 'v' {
		return ""
	}
	const digits = "0123456789abcdef"
	clear := []byte(given)
	clear[9] = digits[given[9]-'g']
	for i, ch := range clear {
		v := strings.IndexByte(digits, ch)
		if v < 0 {
			return ""
		}
		clear[i] = digits[v^(i&15)]
	}
	s := string(clear)
	return s[8:16] + s[0:8] + s[24:32] + s[16:24]
}

// blockList is the JSON of the md5s as create sends it, without blanks.
func blockList(sums []sum) string {
	hexes := make([]string, len(sums))
	for i, s := range sums {
		hexes[i] = s.String()
	}
	b, _ := json.Marshal(hexes) // strings always marshal
	return string(b)
}

// expectedMD5 is what Baidu says of a file of these slices, undisguised: one slice's own md5, else that of the list.
func expectedMD5(sums []sum) string {
	if len(sums) == 1 {
		return sums[0].String()
	}
	return sum(md5.Sum([]byte(blockList(sums)))).String() //nolint:gosec // as Baidu does
}
