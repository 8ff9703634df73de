import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { fromBase64Url } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import { blobCapabilityHeader, blobRoutes } from '../../wire/http.ts'
import { authorisationOf } from '../authorisation.ts'
import type { Blobs, OpenBlob } from '../blobs/blobs.ts'
import type { Permits } from '../crypto/permits.ts'
import { Strangers } from '../socket/strangers.ts'
import type { SpendablePermit } from '../store/store.ts'
import type { RateLimits } from './budgets.ts'
import { bytes32Of } from './keys.ts'
import { parsed, shownBy } from './registrar.ts'

export interface BlobRouteDeps {
  readonly blobs: Blobs
  readonly permits: Permits
  readonly rateLimits: RateLimits
  readonly clock: Clock
  /** Without a byte for so long, a body is given up. */
  readonly bodyMs: number
  /** The network address that a request comes from, for budgets only. */
  readonly addressOf: (request: IncomingMessage) => string
}

/** Bodies that come or go at once; of one network address. */
const streamsMax = 200
const streamsOfAddress = 20
const placesRetryMs = 5_000
const bodyType = 'application/octet-stream'

/** Both routes of encrypted files. SECURITY 9: nobody says who they are; a permit pays, and nothing is logged. */
export function registerBlobs(app: FastifyInstance, deps: BlobRouteDeps): void {
  const places = new Strangers<object>(streamsMax, streamsOfAddress)
  const { putBlob, getBlob } = blobRoutes
  void app.register(async (scope) => {
    // The body is passed on as it comes: at no time is it in memory.
    scope.addContentTypeParser(bodyType, (_request, body, done) => done(null, body))
    scope.route({
      method: putBlob.method,
      url: putBlob.path,
      handler: async (request, reply) => {
        const leave = enter(places, deps, request)
        try {
          return putBlob.answer.parse(await put(deps, request))
        } catch (thrown) {
          // What is left of a refused body is not waited for.
          void reply.header('connection', 'close')
          throw thrown
        } finally {
          leave()
        }
      },
    })
    scope.route({
      method: getBlob.method,
      url: getBlob.path,
      handler: async (request, reply) => {
        const leave = enter(places, deps, request)
        try {
          const { size, handle } = await open(deps, request)
          const stream = handle.createReadStream()
          stream.once('close', leave)
          return await reply
            .headers({ 'content-type': bodyType, 'content-length': size, 'cache-control': 'no-store' })
            .send(stream)
        } catch (thrown) {
          leave()
          throw thrown
        }
      },
    })
  })
}

async function put(deps: BlobRouteDeps, request: FastifyRequest): Promise<{ readonly expiresAt: number }> {
  const permit = await paid(deps, request)
  const { blobId, reads, keptMs } = parsed(blobRoutes.putBlob.query, request.query)
  const { body } = request
  const size = Number(request.headers['content-length'])
  if (!(body instanceof Readable) || !Number.isSafeInteger(size) || size < 1) {
    throw new CodedError('request.malformed')
  }
  // A refusal is still to be sent on the connection that the body came by.
  const chunks = body.iterator({ destroyOnReturn: false })
  return deps.blobs.put({ id: bytes32Of(blobId), size, reads, keptMs, permit }, chunks)
}

async function open(deps: BlobRouteDeps, request: FastifyRequest): Promise<OpenBlob> {
  const permit = await paid(deps, request)
  const text = request.headers[blobCapabilityHeader]
  const capability = typeof text === 'string' ? fromBase64Url(text) : null
  if (capability?.length !== 32) throw new CodedError('request.malformed')
  return deps.blobs.open(capability, permit)
}

/** An access key opens an account's queue, no file: a permit pays for each act. */
async function paid(
  { rateLimits, permits, clock, addressOf }: BlobRouteDeps,
  request: FastifyRequest,
): Promise<SpendablePermit> {
  await rateLimits.anonymous(addressOf(request.raw))
  const by = authorisationOf(shownBy(request.headers), permits, clock.now())
  if (typeof by === 'string') throw new CodedError(by)
  if (by.kind !== 'permit') throw new CodedError('access.denied')
  return by.permit
}

/** Takes a place and watches the connection until the place is left. */
function enter(
  places: Strangers<object>,
  { addressOf, bodyMs }: BlobRouteDeps,
  { raw }: FastifyRequest,
): () => void {
  const address = addressOf(raw)
  if (!places.hasRoom(address)) throw new CodedError('relay.tooManyRequests', { retryAfterMs: placesRetryMs })
  const place = {}
  places.add(place, address)
  const { socket } = raw
  const stalled = (): void => {
    socket.destroy()
  }
  socket.setTimeout(bodyMs, stalled)
  return () => {
    places.remove(place)
    socket.off('timeout', stalled)
  }
}
