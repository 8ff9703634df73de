import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { utf8 } from '../../../base/bytes.ts'
import { accessKeyHeader, permitHeader, refusalSchema } from '../../../wire/http.ts'
import type { SeededRandom } from '../random.ts'
import type { FuzzCount } from './frames.ts'
import { mutatedBytes, mutatedJson } from './mutate.ts'
import type { SampleRequest } from './samples.ts'

export interface RequestFuzz {
  readonly address: string
  /** Of every route; asked anew when a device has been removed by what was sent. */
  readonly samples: () => Promise<readonly SampleRequest[]>
  readonly random: SeededRandom
  readonly count: FuzzCount
  readonly requests: number
}

/** Answers that should not have been: of a status that says the relay failed, or with more than a code in them. */
export type WrongAnswers = readonly string[]

const rawAnswerMs = 120_000

/** Sends so many mutated requests, one after another. */
export async function fuzzRequests(fuzz: RequestFuzz): Promise<WrongAnswers> {
  const { address, random, count } = fuzz
  const wrong: string[] = []
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let samples = await fuzz.samples()
  for (; count.done < fuzz.requests; count.done += 1) {
    const [first, ...others] = samples
    if (first === undefined) throw new RangeError('no samples')
    const sample = random.pick([first, ...others])
    const started = performance.now()
    if (random.below(12) === 0) {
      const text = await sendHead(address, mutatedHead(sample, random))
      if (/HTTP\/1\.1 5|"message"/.test(text)) wrong.push(`${sample.route}, bytes: ${text.slice(0, 300)}`)
    } else {
      const answer = await send(address, agent, mutated(sample, random))
      if (isWrong(answer)) wrong.push(`${sample.route}: ${answer.status} ${answer.text.slice(0, 200)}`)
      if (answer.text.includes('relay.deviceGone') || answer.text.includes('relay.unauthorised')) {
        if (count.done % 20 === 0) samples = await fuzz.samples()
      }
    }
    count.slowestMs = Math.max(count.slowestMs, performance.now() - started)
  }
  agent.destroy()
  return wrong
}

interface MutatedRequest {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: Uint8Array | null
}

function mutated(sample: SampleRequest, random: SeededRandom): MutatedRequest {
  const what = random.below(10)
  const query = what < 3 ? mutatedJson(sample.query, random) : sample.query
  const headers = { ...sample.headers, ...(what === 3 ? oddHeader(sample, random) : {}) }
  const json = utf8(JSON.stringify(what >= 4 ? mutatedJson(sample.body, random) : sample.body))
  const body =
    sample.body === null && random.below(4) > 0 ? null : what === 9 ? mutatedBytes(json, random) : json
  if (body !== null) {
    headers['content-type'] = random.below(20) === 0 ? 'text/plain' : 'application/json'
    headers['content-length'] = String(body.length)
  }
  return { method: sample.method, path: `${sample.path}${queryText(query)}`, headers, body }
}

function queryText(query: unknown): string {
  if (typeof query !== 'object' || query === null)
    return `?${encodeURIComponent(String(query).toWellFormed())}`
  const entries = Object.entries(query).map(([name, value]) => [
    name,
    String(value).toWellFormed().slice(0, 4_000),
  ])
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries as [string, string][]).toString()}`
}

function oddHeader({ headers }: SampleRequest, random: SeededRandom): Record<string, string> {
  const names = [
    'authorization',
    accessKeyHeader,
    permitHeader,
    'content-encoding',
    'expect',
    'x-forwarded-for',
  ] as const
  const values = [
    '',
    'Bearer ',
    `Bearer ${'A'.repeat(86)}`,
    'A'.repeat(22),
    'x'.repeat(5_000),
    '100-continue',
  ] as const
  const name = random.pick(names)
  const changed = Buffer.from(mutatedBytes(utf8(headers[name] ?? 'Bearer A'), random)).toString('base64url')
  return { [name]: random.pick([...values, changed, `Bearer ${changed}`]) }
}

interface Answer {
  readonly status: number
  readonly text: string
}

async function send(
  address: string,
  agent: Agent,
  { method, path, headers, body }: MutatedRequest,
): Promise<Answer> {
  const { hostname, port } = new URL(address)
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ hostname, port, agent, method, path, headers }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      )
      incoming.on('error', reject)
    })
    // The relay may answer and close before it has read all of it; a connection that is gone is an answer too.
    outgoing.on('error', () => resolve({ status: 400, text: '' }))
    outgoing.end(body ?? undefined)
  })
}

/** Only a code may come back with a refusal: no text, no trace. What Node refuses before the relay has no body. */
function isWrong({ status, text }: Answer): boolean {
  if (status === 0 || status >= 500) return true
  if (status === 200 || text === '') return false
  return !refusalSchema.safeParse(parsedOrNull(text)).success
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function mutatedHead({ method, path, headers, body }: SampleRequest, random: SeededRandom): Uint8Array {
  const text = JSON.stringify(body)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `${method} ${path} HTTP/1.1\r\nhost: relay\r\n${lines.join('')}content-length: ${text.length}\r\n\r\n`
  return mutatedBytes(utf8(head + (body === null ? '' : text)), random)
}

/** Sends bytes as they are and half closes; settles with all that came when the relay has closed too. */
async function sendHead(address: string, bytes: Uint8Array): Promise<string> {
  const { hostname, port } = new URL(address)
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(Number(port), hostname)
    const late = setTimeout(() => reject(new Error('a request was never answered')), rawAnswerMs)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
    socket.on('close', () => {
      clearTimeout(late)
      resolve(text)
    })
    socket.end(bytes)
  })
}
