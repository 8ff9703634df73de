/** A table that any spreadsheet opens: UTF-8 with its mark, semicolons, every cell quoted. */
export function csvText(rows: readonly (readonly string[])[]): string {
  return `\ufeff${rows.map((row) => `${row.map(cell).join(';')}\r\n`).join('')}`
}

/** A spreadsheet takes a cell that begins like these for a formula, and it may have come in by an imported file. */
function cell(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return `"${safe.replaceAll('"', '""')}"`
}
