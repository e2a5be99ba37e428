package algebra

import (
	"math"
	"slices"
)

// matrix is a dense matrix, column by column.
type matrix struct {
	rows, cols int
	data       []float64 // [cols][rows]
}

func newMatrix(rows, cols int) matrix {
	return matrix{rows, cols, make([]float64, rows*cols)}
}

func (m matrix) col(j int) []float64 { return m.data[j*m.rows : (j+1)*m.rows] }

func (m matrix) transposed() matrix {
	t := newMatrix(m.cols, m.rows)
	for j := range m.cols {
		for i, v := range m.col(j) {
			t.data[i*t.rows+j] = v
		}
	}
	return t
}

// times returns m n.
func (m matrix) times(n matrix) matrix {
	p := newMatrix(m.rows, n.cols)
	for j := range n.cols {
		into := p.col(j)
		for k, v := range n.col(j) {
			if v != 0 {
				axpy(v, m.col(k), into)
			}
		}
	}
	return p
}

// norm is the Frobenius norm.
func (m matrix) norm() float64 { return math.Sqrt(dot(m.data, m.data)) }

func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64 // four chains of additions run side by side
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + (s2 + s3)
}

// axpy adds factor a to b.
func axpy(factor float64, a, b []float64) {
	b = b[:len(a)]
	for i, v := range a {
		b[i] += factor * v
	}
}

// thinQR returns Q with orthonormal columns and R upper trapezoidal so that m = Q R, by Householder reflections. It overwrites m.
// Q is rows x k and R k x cols, k = min(rows, cols).
func (m matrix) thinQR() (q, r matrix) {
	k := min(m.rows, m.cols)
	betas := make([]float64, k)
	r = newMatrix(k, m.cols)
	for j := range k {
		v := m.col(j)[j:]
		alpha, beta := reflector(v)
		betas[j] = beta
		for c := j + 1; c < m.cols; c++ {
			x := m.col(c)[j:]
			axpy(-beta*dot(v, x), v, x)
		}
		r.col(j)[j] = alpha
	}
	for c := range m.cols {
		copy(r.col(c)[:min(c, k)], m.col(c))
	}
	q = newMatrix(m.rows, k)
	for c := range k {
		x := q.col(c)
		x[c] = 1
		for j := k - 1; j >= 0; j-- {
			if v := m.col(j)[j:]; betas[j] != 0 {
				axpy(-betas[j]*dot(v, x[j:]), v, x[j:])
			}
		}
	}
	return q, r
}

// reflector replaces x by a vector v so that x - beta v (v x) is alpha times the first unit vector.
func reflector(x []float64) (alpha, beta float64) {
	length := math.Sqrt(dot(x, x))
	if length == 0 {
		return 0, 0
	}
	alpha = -math.Copysign(length, x[0])
	x[0] -= alpha
	return alpha, 2 / dot(x, x)
}

// svd returns U, the singular values in descending order, and V so that m = U diag(s) V^T, by one-sided Jacobi rotations, which find
// small singular values as exactly as large ones. Columns of U whose singular value is zero are zero.
func (m matrix) svd() (u matrix, s []float64, v matrix) {
	if m.rows < m.cols {
		v, s, u = m.transposed().svd()
		return u, s, v
	}
	work := matrix{m.rows, m.cols, slices.Clone(m.data)}
	turned := newMatrix(m.cols, m.cols)
	for j := range m.cols {
		turned.col(j)[j] = 1
	}
	const sweeps = 60 // it converges quadratically, within some ten
	for range sweeps {
		if !rotateAll(work, turned) {
			break
		}
	}
	return sorted(work, turned)
}

// rotateAll makes each pair of columns orthogonal in turn and reports whether one was not.
func rotateAll(work, turned matrix) (rotated bool) {
	const tolerance = 1e-15
	for p := range work.cols {
		for q := p + 1; q < work.cols; q++ {
			a, b := work.col(p), work.col(q)
			aa, bb, ab := dot(a, a), dot(b, b), dot(a, b)
			if aa == 0 || bb == 0 || math.Abs(ab) <= tolerance*math.Sqrt(aa)*math.Sqrt(bb) {
				continue
			}
			rotated = true
			zeta := (bb - aa) / (2 * ab)
			t := math.Copysign(1, zeta) / (math.Abs(zeta) + math.Hypot(1, zeta))
			c := 1 / math.Hypot(1, t)
			rotate(a, b, c, c*t)
			rotate(turned.col(p), turned.col(q), c, c*t)
		}
	}
	return rotated
}

func rotate(a, b []float64, c, s float64) {
	b = b[:len(a)]
	for i, x := range a {
		a[i], b[i] = c*x-s*b[i], s*x+c*b[i]
	}
}

// sorted turns the orthogonal columns of work into unit vectors and their lengths, the longest first.
func sorted(work, turned matrix) (u matrix, s []float64, v matrix) {
	lengths, order := make([]float64, work.cols), make([]int, work.cols)
	for j := range order {
		c := work.col(j)
		lengths[j], order[j] = math.Sqrt(dot(c, c)), j
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case lengths[a] > lengths[b]:
			return -1
		case lengths[a] < lengths[b]:
			return 1
		}
		return 0
	})
	u, v = newMatrix(work.rows, work.cols), newMatrix(work.cols, work.cols)
	for to, from := range order {
		s = append(s, lengths[from])
		if lengths[from] > 0 {
			axpy(1/lengths[from], work.col(from), u.col(to))
		}
		copy(v.col(to), turned.col(from))
	}
	return u, s, v
}
