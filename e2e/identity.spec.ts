import type { Bridge } from '../src/contract/index.ts'
import { expect, test } from './fixture.ts'
import {
  chooseConversation,
  onTheWay,
  openConversation,
  readReady,
  row,
  write,
} from './support/conversation.ts'
import { enrolPair, solene, tahar } from './support/pair.ts'
import { enrol, text, waitForPhase } from './support/workstation.ts'

test('a colleague who lost the workstation comes back: nothing is shown or sent until the numbers were compared', async ({
  relay,
  workstation,
}) => {
  const { left, right, toRight } = await enrolPair(relay, workstation)
  await write(right.page, 'À lundi.')
  await expect(row(left.page, 'À lundi.')).toBeVisible(onTheWay)
  await right.close()

  const anew = await workstation('anew')
  await waitForPhase(anew.page, 'enrolment')
  await enrol(anew.page, await relay.invite(tahar, { account: toRight }))
  await openConversation(anew.page, solene.name)
  await write(anew.page, 'Mon poste a été volé.')

  const band = left.page.getByRole('alert').filter({ hasText: text('identity.paused') })
  await test.step('held, and counted', async () => {
    await expect(band).toContainText(text('thread.heldTitle', { count: 1 }), onTheWay)
    await expect(row(left.page, 'Mon poste a été volé.')).toHaveCount(0)
    const [conversation] = (await readReady(left.page)).conversations
    expect(conversation?.identity).toBe('changed')
  })

  await test.step('compared: the same number on both screens, then read', async () => {
    await band.getByRole('button', { name: text('identity.compare') }).click()
    const dialog = left.page.getByRole('dialog', { name: text('verify.title', { name: tahar.name }) })
    const number = dialog.getByRole('group', { name: text('verify.numberLabel') }).locator('[aria-hidden]')
    await expect(number).toHaveCount(12)
    const { account } = await readReady(left.page)
    const said = await anew.page.evaluate(async (accountId) => {
      const { valise } = globalThis as unknown as { valise: Bridge }
      return valise.calls['identity.safetyNumber']({ accountId })
    }, account.person.accountId)
    expect(said).toMatchObject({ ok: true, value: { groups: await number.allInnerTexts() } })
    await dialog.getByRole('button', { name: text('verify.same') }).click()
    await expect(dialog).toHaveCount(0)
    await expect(row(left.page, 'Mon poste a été volé.')).toBeVisible(onTheWay)
    await expect(band).toHaveCount(0)
  })

  await write(left.page, 'Prévenez la sécurité.')
  await chooseConversation(anew.page, solene.name)
  await expect(row(anew.page, 'Prévenez la sécurité.')).toBeVisible(onTheWay)
  const [conversation] = (await readReady(left.page)).conversations
  expect(conversation?.identity).toBe('verified')
})
