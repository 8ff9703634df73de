import { z } from 'zod'

/** What kind of setting it is, for the generators of templates and for the administrator's guide. */
export type PolicyKind = 'text' | 'origin' | 'originList' | 'sha256' | 'boolean' | 'integer' | 'choice'

interface PolicySpec<T> {
  readonly kind: PolicyKind
  /** Reads a value as it stands in a file. */
  readonly schema: z.ZodType<T>
  /** In force where the organisation says nothing. */
  readonly default: T
  /** In force instead of a value that cannot be read: the stricter side (SECURITY 15). */
  readonly fallback: (raw: unknown) => T
  /** The first version of Valise that knows it. */
  readonly since: string
}

function policy<T>(spec: PolicySpec<T>): PolicySpec<T> {
  return spec
}

/** `https://host[:port]`, or http on loopback, exactly as an origin is written; nothing else is ever contacted. */
const originSchema = z.string().max(2048).refine(isRelayOrigin)
const sha256Schema = z
  .string()
  .toLowerCase()
  .regex(/^[0-9a-f]{64}$/)

const passphraseLength = { min: 8, max: 128, default: 16 } as const

/**
 * Every managed setting that has an effect in this version. A new one is one entry here, its text under
 * `policy.<Name>` in `src/text`, and the place that obeys it, in the main process or the engine.
 */
export const policies = {
  /** The relay of the organisation. With the next two a person enrols with the 12 characters of a code alone. */
  RelayAddress: policy<string | null>({
    kind: 'origin',
    schema: originSchema.nullable(),
    default: null,
    // Without it the whole invitation is asked for, which carries address, pin and anchors itself.
    fallback: () => null,
    since: '0.1.0',
  }),
  /** SHA-256 of the relay certificate's SubjectPublicKeyInfo, lower-case hex. */
  RelayCertificatePin: policy<string | null>({
    kind: 'sha256',
    schema: sha256Schema.nullable(),
    default: null,
    fallback: () => null,
    since: '0.1.0',
  }),
  /** The administration's own proxy ends TLS before the relay: logins are then not bound to the channel. */
  RelayTlsEndsAtProxy: policy<boolean>({
    kind: 'boolean',
    schema: z.boolean(),
    default: false,
    fallback: () => false,
    since: '0.1.0',
  }),
  /** SHA-256 over the relay's trust anchors, lower-case hex. */
  RelayAnchors: policy<string | null>({
    kind: 'sha256',
    schema: sha256Schema.nullable(),
    default: null,
    fallback: () => null,
    since: '0.1.0',
  }),
  /** Relays that may be enrolled with and contacted: null allows every one, an empty list none. */
  AllowedRelays: policy<readonly string[] | null>({
    kind: 'originList',
    // In a file the empty list means every relay, as administrators know it from other products.
    schema: z
      .array(originSchema)
      .max(100)
      .transform((list) => (list.length === 0 ? null : list)),
    default: null,
    fallback: goodOrigins,
    since: '0.1.0',
  }),
  /**
   * A new vault opens by passphrase only, and one that has a passphrase is not opened by the key store. A vault that was
   * made without one still opens by the key store: a slot cannot be added yet, and nobody is locked out.
   */
  RequirePassphrase: policy<boolean>({
    kind: 'boolean',
    schema: z.boolean(),
    default: false,
    fallback: () => true,
    since: '0.1.0',
  }),
  /** In characters, counted as Unicode code points. */
  PassphraseMinLength: policy<number>({
    kind: 'integer',
    schema: z.int().min(passphraseLength.min).max(passphraseLength.max),
    default: passphraseLength.default,
    fallback: stricterLength,
    since: '0.1.0',
  }),
  /** Workstations of one account; 1 forbids linking. A device asks before it links another. */
  MaximumDevices: policy<number>({
    kind: 'integer',
    schema: z.int().min(1).max(10),
    default: 5,
    // The stricter side of a number that cannot be read: no further device.
    fallback: () => 1,
    since: '0.1.0',
  }),
  /** Whom to ask for help, in the organisation's own words. */
  HelpContact: policy<string>({
    kind: 'text',
    // Lone surrogates have no canonical form, so no hash either.
    schema: z
      .string()
      .max(500)
      .refine((text) => !/\p{Surrogate}/u.test(text)),
    default: '',
    fallback: () => '',
    since: '0.1.0',
  }),
  LogLevel: policy<'error' | 'warn' | 'info' | 'debug'>({
    kind: 'choice',
    schema: z.enum(['error', 'warn', 'info', 'debug']),
    default: 'info',
    fallback: () => 'error',
    since: '0.1.0',
  }),
} as const

export type PolicyName = keyof typeof policies
export type PolicyValue<N extends PolicyName> = (typeof policies)[N]['default']
export const policyNames = Object.freeze(Object.keys(policies).filter(isPolicyName))

export function isPolicyName(name: string): name is PolicyName {
  return Object.hasOwn(policies, name)
}

export function isRelayOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  if (url.origin !== text) return false
  const loopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopback)
}

/** The entries of a bad list that can be read; when there is none, no relay is allowed. */
function goodOrigins(raw: unknown): readonly string[] {
  if (!Array.isArray(raw)) return []
  return raw.filter((entry): entry is string => originSchema.safeParse(entry).success).slice(0, 100)
}

/** Never below the default; a number out of range goes to the nearest end, anything else to the longest. */
function stricterLength(raw: unknown): number {
  if (typeof raw !== 'number' || !Number.isFinite(raw)) return passphraseLength.max
  return Math.max(passphraseLength.default, Math.min(Math.ceil(raw), passphraseLength.max))
}
