package engine

// Update is BeginUpdate and EndUpdate.
func (t *Trainer) Update(u Update) (UpdateResult, error) {
	if err := t.BeginUpdate(u); err != nil {
		return UpdateResult{}, err
	}
	return t.EndUpdate()
}
