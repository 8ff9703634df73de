import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Requests that were begun and have no answer yet: an orderly stop waits for them. */
export class BegunRequests {
  /** By connection: what waits behind another request never ends by itself when its client goes. */
  readonly #open = new Map<Socket, Set<ServerResponse>>()

  watch(app: FastifyInstance): void {
    app.addHook('onRequest', async ({ raw: { socket } }, { raw: answer }) => {
      const answers = this.#answersOn(socket)
      answers.add(answer)
      answer.once('close', () => answers.delete(answer))
    })
  }

  /** Settles once those of this moment are answered, or their clients are gone; what begins later is not waited for. */
  async answered(): Promise<void> {
    await Promise.all(
      [...this.#open].map(async ([socket, answers]) => {
        const all = Promise.all([...answers].map(closed))
        await (socket.destroyed ? undefined : Promise.race([all, closed(socket)]))
      }),
    )
  }

  #answersOn(socket: Socket): Set<ServerResponse> {
    const known = this.#open.get(socket)
    if (known !== undefined) return known
    const answers = new Set<ServerResponse>()
    this.#open.set(socket, answers)
    socket.once('close', () => this.#open.delete(socket))
    return answers
  }
}

function closed(stream: Socket | ServerResponse): Promise<void> {
  return new Promise((resolve) => stream.once('close', resolve))
}
