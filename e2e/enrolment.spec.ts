import { expect, test } from './fixture.ts'
import { enrol, unlock, waitForPhase } from './support/workstation.ts'

test('a person enrols by the real screens and the vault opens by its passphrase after a restart', async ({
  relay,
  workstation,
}) => {
  const first = await workstation('solene')
  await waitForPhase(first.page, 'enrolment')
  await enrol(first.page, await relay.invite({ name: 'Solène Vauquelard' }))
  await first.close()
  const second = await workstation('solene')
  await unlock(second.page)
  expect(second.log()).not.toContain('internal')
})
