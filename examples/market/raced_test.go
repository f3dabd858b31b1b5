//go:build race

package market_test

func init() { raced = true }
