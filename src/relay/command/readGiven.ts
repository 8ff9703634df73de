import { readFile } from 'node:fs/promises'
import { CodedError } from '../../base/errors.ts'
import { isPostgresUrl } from '../engine.ts'

/** A text file that an option names. Throws `argument.invalid` with the option when it cannot be read. */
export async function readGiven(option: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (thrown) {
    throw new CodedError('argument.invalid', { option }, { cause: thrown })
  }
}

/** The address of a database stands in a file: whoever lists processes would read a password among their arguments. */
export async function readPostgresUrl(file: string): Promise<string> {
  const option = 'postgres-url-file'
  const url = (await readGiven(option, file)).trim()
  if (!isPostgresUrl(url)) throw new CodedError('argument.invalid', { option })
  return url
}
