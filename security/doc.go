// Package security is the floor on which trust stands: who may do what
// (access), and the log that nobody can rewrite (audit). It holds the words
// that these share, and no I/O; begin with security/access.
package security
