import type { Station } from './station.ts'

/** What a person does who was told that identities have changed, and that strangers write. */
export async function decide(station: Station | undefined): Promise<boolean> {
  let decided = false
  for (const { conversationId: accountId, identity, standing } of (await station?.conversations()) ?? []) {
    if (standing === 'request') await station?.ask('conversation.accept', { conversationId: accountId })
    if (identity !== 'changed') continue
    const number = await station?.ask('identity.safetyNumber', { accountId })
    if (number?.pending === true) await station?.ask('identity.accept', { accountId, groups: number.groups })
    decided = true
  }
  return decided
}
