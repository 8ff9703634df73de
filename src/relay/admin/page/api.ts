import { CodedError, isErrorCode } from '../../../base/errors.ts'
import { adminPaths, pageHeader } from '../paths.ts'
import type { AdminAnswer, AdminBody, AdminQuery, AdminRouteName } from '../routes.ts'

interface Given<N extends AdminRouteName> {
  readonly body?: AdminBody<N>
  readonly query?: Partial<Record<keyof AdminQuery<N>, string>>
}

/** One request to the relay that served the page. Throws the refusal's code. */
export async function ask<N extends AdminRouteName>(name: N, given: Given<N> = {}): Promise<AdminAnswer<N>> {
  const { method, path } = adminPaths[name]
  const search = new URLSearchParams(Object.entries<string>({ ...given.query })).toString()
  const headers = { [pageHeader]: '1', ...(method === 'POST' ? { 'content-type': 'application/json' } : {}) }
  const answer = await reached(
    fetch(search === '' ? path : `${path}?${search}`, {
      method,
      headers,
      body: method === 'POST' ? JSON.stringify(given.body ?? {}) : null,
    }),
  )
  const said: unknown = await reached(answer.json())
  // The relay has checked it by the schema that the type is made from.
  if (answer.ok) return said as AdminAnswer<N>
  const { code } = said as { readonly code?: string }
  throw new CodedError(code !== undefined && isErrorCode(code) ? code : 'internal')
}

async function reached<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new CodedError('relay.unreachable', {}, { cause: error })
  }
}
