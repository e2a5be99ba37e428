package iosbackup

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"os"

	"ventriloquist/internal/regularfile"
)

// decryptFile decrypts a file to another file, which only its owner may read. Its padding says where it ends. Size is what
// the list of files says, or negative: for a database in use it is often an older size, so it only decides whether a file
// without padding is whole.
func decryptFile(ctx context.Context, to, from string, key []byte, size int64) (err error) {
	in, err := regularfile.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	written, padding, err := decryptTo(ctx, out, in, key)
	switch {
	case err != nil:
	case padding == 0 && size > written:
		err = fmt.Errorf("it has %d bytes, but should have %d: the backup is not whole", written, size)
	default:
		err = out.Truncate(written - padding)
	}
	return errors.Join(err, out.Close())
}

// decryptTo decrypts AES in CBC mode. It returns the number of bytes and how many of them, at the end, are padding.
func decryptTo(ctx context.Context, out io.Writer, in io.Reader, key []byte) (written, padding int64, err error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return 0, 0, err
	}
	mode := cipher.NewCBCDecrypter(block, make([]byte, aes.BlockSize))
	buffer := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return written, 0, err
		}
		n, err := io.ReadFull(in, buffer)
		if errors.Is(err, io.EOF) {
			return written, padding, nil
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return written, 0, err
		}
		if n%aes.BlockSize != 0 {
			return written, 0, errors.New("its length is no multiple of 16: the backup is not whole")
		}
		mode.CryptBlocks(buffer[:n], buffer[:n])
		if _, err := out.Write(buffer[:n]); err != nil {
			return written, 0, err
		}
		written += int64(n)
		padding = paddingOf(buffer[:n])
	}
}

// paddingOf returns the number of padding bytes at the end: n bytes with value n.
func paddingOf(data []byte) int64 {
	n := int(data[len(data)-1])
	if n == 0 || n > aes.BlockSize || !bytes.HasSuffix(data, bytes.Repeat([]byte{byte(n)}, n)) {
		return 0
	}
	return int64(n)
}
