import type { Migration } from './migration.ts'

/**
 * The words of enrolled accounts, folded by `foldText` before: the ascii tokenizer then parts them at their spaces and
 * takes every other letter as it is. Contentless: the text itself lies in `accounts.search_text` only. A row is
 * written in the transaction that enrols its account; who removes accounts must delete it too (rowid = accounts.id).
 */
export const directory: Migration = {
  version: 2,
  sql: `
    CREATE VIRTUAL TABLE directory USING fts5 (
      words, content='', contentless_delete=1, detail=none, prefix='1 2 3', tokenize='ascii'
    );
    INSERT INTO directory (rowid, words) SELECT id, search_text FROM accounts WHERE enrolled_at IS NOT NULL;
  `,
}
