package imessage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mattn/go-sqlite3"
)

// Values of any type are what SQLite's CAST makes of them.
func TestRecord_AsCast(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	values := []driver.Value{int64(0), int64(-7), int64(math.MaxInt64), 1.5, -1.5, 0.0, 1e15, 1e16, 1e17, 1e20, 1e-4, 0.00012, -1e300, 123456789.123456789, 5e17, 1e-5, 0.1, "", "12", " \t12abc", "-3.9", "+4", "1e3", "- 5", "--5",
		"99999999999999999999", "-99999999999999999999", "abc", []byte("77x"), []byte{}, []byte("\x00\xff"), nil}
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		values = append(values, random.NormFloat64()*math.Pow(10, float64(random.IntN(40)-20)))
	}
	err = conn.Raw(func(c any) error {
		for _, v := range values {
			rows, err := c.(*sqlite3.SQLiteConn).Query("SELECT +?1, coalesce(CAST(?1 AS INTEGER), 0), coalesce(CAST(?1 AS TEXT), '')", []driver.Value{v})
			if err != nil {
				return err
			}
			err = eachRow(context.Background(), rows, func(r record) error {
				if n, want := r.int(0), r[1]; n != want {
					t.Errorf("%#v is the integer %d, and to SQLite %d", v, n, want)
				}
				if _, fraction := v.(float64); fraction {
					return nil
				}
				if s, want := r.text(0), r[2]; s != want {
					t.Errorf("%#v is the text %q, and to SQLite %q", v, s, want)
				}
				return nil
			})
			if err != nil {
				return err
			}
			rows.Close()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
