import { readFile } from 'node:fs/promises'
import { CodedError } from '../../base/errors.ts'

/** A text file that an option names. Throws `argument.invalid` with the option when it cannot be read. */
export async function readGiven(option: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (thrown) {
    throw new CodedError('argument.invalid', { option }, { cause: thrown })
  }
}
