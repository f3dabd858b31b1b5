package scorecard

import (
	"fmt"
	"math"
)

const (
	iterations = 50
	tolerance  = 1e-8
	ridge      = 1e-4 // the least penalty, for what separates the cases
)

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// regress fits log odds by ridge regression, re-weighted until it stands: the first
// of beta is the intercept, which bears no penalty. Rows are summed in their order.
func regress(x [][]float64, events []bool, penalty float64) ([]float64, error) {
	width := 1
	if len(x) > 0 {
		width += len(x[0])
	}
	beta := make([]float64, width)
	for range iterations {
		h, g := system(x, events, beta, math.Max(penalty, ridge))
		step, err := solve(h, g)
		if err != nil {
			return nil, err
		}
		moved := 0.0
		for j := range beta {
			beta[j] += step[j]
			moved = math.Max(moved, math.Abs(step[j]))
		}
		if moved < tolerance {
			return beta, nil
		}
	}
	return beta, nil
}

// system is the curvature at beta and the way up.
func system(x [][]float64, events []bool, beta []float64, penalty float64) ([][]float64, []float64) {
	width := len(beta)
	h, g := make([][]float64, width), make([]float64, width)
	for j := range h {
		h[j] = make([]float64, width)
	}
	row := make([]float64, width)
	row[0] = 1
	for i, values := range x {
		copy(row[1:], values)
		p := logistic(dot(row, beta))
		w := math.Max(p*(1-p), 1e-12)
		miss := -p
		if events[i] {
			miss++
		}
		for j := range row {
			g[j] += miss * row[j]
			for k := range j + 1 {
				h[j][k] += w * row[j] * row[k]
			}
		}
	}
	for j := 1; j < width; j++ {
		h[j][j] += penalty
		g[j] -= penalty * beta[j]
	}
	return h, g
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// solve finds x in h·x = g by Cholesky; h is the lower half of a positive matrix.
func solve(h [][]float64, g []float64) ([]float64, error) {
	n := len(g)
	for j := range n {
		for k := range j {
			h[j][j] -= h[j][k] * h[j][k]
		}
		if h[j][j] <= 0 {
			return nil, fmt.Errorf("fit %d features: %w", n-1, ErrSingular)
		}
		h[j][j] = math.Sqrt(h[j][j])
		for i := j + 1; i < n; i++ {
			for k := range j {
				h[i][j] -= h[i][k] * h[j][k]
			}
			h[i][j] /= h[j][j]
		}
	}
	x := make([]float64, n)
	for i := range n {
		x[i] = g[i]
		for k := range i {
			x[i] -= h[i][k] * x[k]
		}
		x[i] /= h[i][i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			x[i] -= h[k][i] * x[k]
		}
		x[i] /= h[i][i]
	}
	return x, nil
}
