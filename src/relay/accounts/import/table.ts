import { CsvError, parse } from 'csv-parse/sync'
import type { Delimiter } from './decode.ts'
import type { Problem } from './report.ts'

export interface TableRow {
  /** Of the file, where the row ends. */
  readonly line: number
  readonly cells: readonly string[]
}

/** What one row may hold, in characters. */
const rowMax = 16_384

/** All rows, the header among them, or what is wrong with the file: quotes that do not end leave nothing to rely on. */
export function readTable(text: string, delimiter: Delimiter): readonly TableRow[] | Problem {
  try {
    const records = parse(text, {
      delimiter,
      info: true,
      raw: false,
      relaxColumnCount: true,
      skipEmptyLines: true,
      skipRecordsWithEmptyValues: true,
      trim: true,
      maxRecordSize: rowMax,
    }) as unknown as readonly { readonly info: { readonly lines: number }; readonly record: string[] }[]
    return records.map(({ info, record }) => ({ line: info.lines, cells: record }))
  } catch (thrown) {
    if (!(thrown instanceof CsvError)) throw thrown
    const line = Number(thrown['lines'] ?? 0)
    return { line, code: thrown.code === 'CSV_MAX_RECORD_SIZE' ? 'tooLarge' : 'quotes', column: '' }
  }
}
