/** What one of the account's own devices sent and could not be read keeps its place until it comes after all. */
export const keptPlaces = `
ALTER TABLE quarantine ADD COLUMN place INTEGER;
`
