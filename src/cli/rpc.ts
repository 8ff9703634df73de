import { z } from 'zod'
import type { ErrorCode, ErrorReport, Result } from '../base/errors.ts'
import { calls, type EngineCallName } from '../contract/index.ts'
import type { Notice } from './notices.ts'

/**
 * JSON-RPC 2.0, one message a line (https://www.jsonrpc.org/specification). Methods are the engine's calls of the
 * contract with their own schemas; what happens comes as notifications. Three calls differ, because the passphrase never
 * travels here: `enrolment.complete` and `link.begin` have no `protection`, and there is no `vault.unlock`.
 */
export const lineCharacters = 256 * 1024

type RequestId = string | number | null

/** `id` is undefined for a notification, which is never answered. */
export type Incoming =
  | {
      readonly kind: 'call'
      readonly id: RequestId | undefined
      readonly name: EngineCallName
      readonly input: unknown
    }
  | { readonly kind: 'refused'; readonly id: RequestId | undefined; readonly error: RpcError }

export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: ErrorReport
}

/** Codes of the specification, and one of ours for a call that answered with an error. */
const rpcCodes = {
  parse: -32_700,
  request: -32_600,
  method: -32_601,
  params: -32_602,
  call: -32_000,
} as const

const requestSchema = z.object({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string(), z.number(), z.null()]).optional(),
  method: z.string(),
  params: z.record(z.string(), z.unknown()).default({}),
})

const withheld: ReadonlySet<string> = new Set(['vault.unlock'])

/** Calls that make a vault: what protects it is given apart. */
const protects: ReadonlySet<string> = new Set(['enrolment.complete', 'link.begin'])

/** What may be called from the command line. */
export const methods: ReadonlySet<string> = new Set(
  Object.entries(calls)
    .filter(([name, spec]) => spec.owner === 'engine' && !withheld.has(name))
    .map(([name]) => name),
)

/** Understands one line. Pure; never throws. `passphrase` protects a vault that is made. */
export function readLine(line: string, passphrase: string): Incoming {
  if (line.length > lineCharacters)
    return refused(null, rpcCodes.request, 'request too large', 'ipc.tooLarge')
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch {
    return refused(null, rpcCodes.parse, 'not JSON', 'ipc.malformed')
  }
  const request = requestSchema.safeParse(json)
  if (!request.success) return refused(null, rpcCodes.request, 'not a request', 'ipc.malformed')
  const { id, method, params } = request.data
  if (!isMethod(method)) return refused(id, rpcCodes.method, 'no such method', 'ipc.malformed')
  // Last, so that a request cannot choose another protection.
  const given = protects.has(method) ? { ...params, protection: { kind: 'passphrase', passphrase } } : params
  const input = calls[method].input.safeParse(given)
  if (!input.success) return refused(id, rpcCodes.params, 'wrong parameters', 'ipc.malformed')
  return { kind: 'call', id, name: method, input: input.data }
}

/** The line that answers a call; `sentence` says an error in the person's language. */
export function answerLine(
  id: RequestId,
  result: Result<unknown>,
  sentence: (code: ErrorCode) => string,
): string {
  if (result.ok) return JSON.stringify({ jsonrpc: '2.0', id, result: result.value })
  const error: RpcError = { code: rpcCodes.call, message: sentence(result.error.code), data: result.error }
  return JSON.stringify({ jsonrpc: '2.0', id, error })
}

export function refusalLine(refusal: Extract<Incoming, { kind: 'refused' }>): string | null {
  if (refusal.id === undefined) return null
  return JSON.stringify({ jsonrpc: '2.0', id: refusal.id, error: refusal.error })
}

export function notificationLine({ method, params }: Notice): string {
  return JSON.stringify({ jsonrpc: '2.0', method, params })
}

function isMethod(name: string): name is EngineCallName {
  return methods.has(name)
}

function refused(id: RequestId | undefined, code: number, message: string, ours: ErrorCode): Incoming {
  return { kind: 'refused', id, error: { code, message, data: { code: ours, details: {} } } }
}
