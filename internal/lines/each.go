package lines

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// longestLine is the longest line of a text file that is read; no message is as long.
const longestLine = 64 << 20

// Each calls visit for every line of in, numbered from 1, without its line break (LF or CR LF) and without a byte order
// mark. The line is valid until visit returns. The path is for errors.
func Each(ctx context.Context, in io.Reader, path string, visit func(number int64, line []byte) error) (number int64, err error) {
	r := bufio.NewReaderSize(in, 1<<20)
	var long []byte
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			if long = append(long, line...); len(long) > longestLine {
				return number, fmt.Errorf("%s:%d: the line is longer than %d MiB", path, number+1, longestLine>>20)
			}
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return number, fmt.Errorf("%s:%d: %w", path, number+1, err)
		}
		if len(long) > 0 {
			long = append(long, line...)
			line = long
		}
		if len(line) == 0 {
			return number, nil
		}
		ended := err != nil
		number++
		if number%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return number, err
			}
		}
		if number == 1 {
			line = WithoutMark(line)
		}
		if err := visit(number, bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))); err != nil {
			return number, err
		}
		if long = long[:0]; ended {
			return number, nil
		}
	}
}
