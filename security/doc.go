// Package security is the floor on which trust stands: who may do what
// (access), and the log that nobody can rewrite (audit). It holds no code of
// its own; begin with security/access.
package security
