// Package security is the floor on which trust stands: who may do what (access),
// personal values that open only for a purpose (vault), and the log that nobody
// can rewrite (audit). Itself it holds the words that these share; begin with
// security/access.
package security
