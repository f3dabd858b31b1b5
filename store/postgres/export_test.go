package postgres

// Asking is how many callers of Get wait for each other.
func (db *DB) Asking() int {
	db.asking.mu.Lock()
	defer db.asking.mu.Unlock()
	return len(db.asking.waiting)
}
