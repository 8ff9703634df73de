import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { CodedError } from '../../base/errors.ts'

/** The options of one call, read by what they have to be. Each reader throws `argument.invalid` with the option's name. */
export class Values {
  readonly #values: Readonly<Record<string, unknown>>

  /** Throws `argument.invalid` for an option that the command does not have. */
  constructor(options: ParseArgsOptionsConfig, args: readonly string[]) {
    try {
      this.#values = parseArgs({ args: [...args], options, strict: true }).values
    } catch (thrown) {
      throw new CodedError('argument.invalid', {}, { cause: thrown })
    }
  }

  text(option: string): string | undefined {
    const value = this.#values[option]
    return typeof value === 'string' ? value : undefined
  }

  needed(option: string): string {
    const value = this.text(option)?.trim()
    return value === undefined || value === '' ? missing(option) : value
  }

  /** An object with the key, or without it when the option was not given. */
  given<K extends string>(key: K, option: string): Partial<Record<K, string>> {
    const value = this.text(option)
    // The one key is `K` by construction; a computed key's type is wider.
    return value === undefined ? {} : ({ [key]: value } as Record<K, string>)
  }

  flag(option: string): boolean {
    return this.#values[option] === true
  }

  number(option: string, min: number, max: number): number | undefined {
    const value = this.text(option)
    if (value === undefined) return undefined
    const number = /^\d{1,10}$/.test(value) ? Number(value) : NaN
    return number >= min && number <= max ? number : missing(option)
  }

  oneOf<T extends string>(option: string, allowed: readonly T[]): T | undefined {
    const value = this.text(option)
    if (value === undefined) return undefined
    return allowed.find((candidate) => candidate === value) ?? missing(option)
  }
}

/** Refuses an option that is missing or wrong. */
export function missing(option: string): never {
  throw new CodedError('argument.invalid', { option })
}
