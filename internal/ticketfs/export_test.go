package ticketfs

// LocalEngine is the engine of a folder, for its contract.
func LocalEngine(s *Store, dir string) Engine { return local{s, dir} }
