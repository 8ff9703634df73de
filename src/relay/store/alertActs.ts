import type { NewAlert } from './alertStore.ts'
import type { ActContext, ActEvent } from './peopleStore.ts'

/** The journal's line of an alert. Nobody acted: the relay noticed. */
export function raisedAct({ at, kind, budget, accountId }: NewAlert): [ActEvent, ActContext] {
  const type = kind === 'hard' ? 'budget.spent' : 'budget.passed'
  return [
    { type, account: accountId, detail: budget },
    { by: { kind: 'relay', name: '' }, now: at },
  ]
}
