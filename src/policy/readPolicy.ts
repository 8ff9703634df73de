import { effectivePolicy, type EffectivePolicy, type PolicySetting } from './effective.ts'
import { isPolicyName, policies, policyNames, type PolicyName, type PolicyValue } from './policies.ts'

/** One file of managed settings as a reader found it. */
export interface PolicyFile {
  /** Its name, without the folder. */
  readonly file: string
  /** Why it may not be believed; null for a file to obey. */
  readonly refused: PolicyRefusal | null
  /** What its JSON says; undefined where it could not be read at all. */
  readonly content: unknown
}

export type PolicyRefusal =
  | 'folder.unsafe'
  | 'folder.unreadable'
  | 'folder.tooManyFiles'
  | 'file.owner'
  | 'file.writable'
  | 'file.notRegular'
  | 'file.unreadable'
  | 'file.tooLarge'

/** Something about the settings that an administrator should hear of; goes to journal and log, holds no value. */
export interface PolicyFinding {
  readonly code: PolicyRefusal | 'file.malformed' | 'name.unknown' | 'value.invalid'
  readonly file: string
  /** The policy, or the unknown name, cut to 64 characters. */
  readonly policy?: string
}

export interface PolicyReading {
  readonly policy: EffectivePolicy
  readonly findings: readonly PolicyFinding[]
}

/** A file full of nonsense is reported, but does not fill the journal. */
const findingsAtMost = 100

type Statement = { readonly kind: 'said'; readonly raw: unknown } | { readonly kind: 'strict' }

/**
 * What the files say together, in their order: what a later one says of a policy replaces what an earlier one said.
 * A value that cannot be read, a policy named by a refused file, and every policy after a file whose names cannot be
 * known, fall to the stricter side (SECURITY 15). Pure; never throws on content.
 */
export function readPolicy(files: readonly PolicyFile[]): PolicyReading {
  const findings: PolicyFinding[] = []
  const statements = new Map<PolicyName, Statement>()

  for (const file of files) {
    if (file.refused !== null) findings.push({ code: file.refused, file: file.file })
    if (!isPlainObject(file.content)) {
      if (file.refused === null) findings.push({ code: 'file.malformed', file: file.file })
      for (const name of policyNames) statements.set(name, { kind: 'strict' })
      continue
    }
    for (const [name, raw] of Object.entries(file.content)) {
      if (!isPolicyName(name)) {
        findings.push({ code: 'name.unknown', file: file.file, policy: shown(name) })
        continue
      }
      if (!policies[name].schema.safeParse(raw).success && file.refused === null) {
        findings.push({ code: 'value.invalid', file: file.file, policy: name })
      }
      statements.set(name, file.refused === null ? { kind: 'said', raw } : { kind: 'strict' })
    }
  }
  return {
    policy: effectivePolicy((name) => setting(name, statements.get(name))),
    findings: findings.slice(0, findingsAtMost),
  }
}

/** An unknown name as it may be journalled: short, and text in every encoding. */
function shown(name: string): string {
  return name.slice(0, 64).replaceAll(/\p{Surrogate}/gu, '\ufffd')
}

function setting<N extends PolicyName>(
  name: N,
  statement: Statement | undefined,
): PolicySetting<PolicyValue<N>> {
  const spec = policies[name]
  if (statement === undefined) return { value: spec.default, origin: 'default' }
  if (statement.kind === 'strict') return { value: spec.fallback(undefined), origin: 'machine' }
  const read = spec.schema.safeParse(statement.raw)
  return { value: read.success ? read.data : spec.fallback(statement.raw), origin: 'machine' }
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
