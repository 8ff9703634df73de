import { expect, test } from './fixture.ts'
import {
  acceptRequest,
  chooseConversation,
  expectState,
  onTheWay,
  openConversation,
  readReady,
  row,
  write,
} from './support/conversation.ts'
import { enrolAs, enrolPair, solene, tahar } from './support/pair.ts'
import { text } from './support/workstation.ts'

test('a stranger asks to write, and is told nothing until they are accepted', async ({
  relay,
  workstation,
}) => {
  const [left, right] = await Promise.all([
    enrolAs(solene, 'left', relay, workstation),
    enrolAs(tahar, 'right', relay, workstation),
  ])
  await openConversation(left.page, tahar.name)
  await write(left.page, 'Bonjour, puis-je vous appeler ?')
  await chooseConversation(right.page, solene.name, 'request')
  await expect(row(right.page, 'Bonjour, puis-je vous appeler ?')).toBeVisible(onTheWay)
  await expect(
    right.page.getByRole('heading', { name: text('request.title', { name: solene.name }) }),
  ).toBeVisible()
  // Whoever has not accepted cannot answer by mistake.
  await expect(right.page.getByTestId('composer')).toHaveCount(0)
  await write(left.page, 'C’est au sujet de la crue.')
  await expect(row(right.page, 'C’est au sujet de la crue.')).toBeVisible(onTheWay)
  await expectState(left.page, 'Bonjour, puis-je vous appeler ?', 'sent')
  await expectState(left.page, 'C’est au sujet de la crue.', 'sent')

  await acceptRequest(right.page)
  for (const words of ['Bonjour, puis-je vous appeler ?', 'C’est au sujet de la crue.'])
    await expectState(left.page, words, 'arrived')
  await write(right.page, 'Bien sûr.')
  await expect(row(left.page, 'Bien sûr.')).toBeVisible(onTheWay)
  const { conversations } = await readReady(right.page)
  expect(conversations.map(({ standing }) => standing)).toEqual(['accepted'])
})

test('what is done to a message is seen on the other side: read, reaction, edit, deletion', async ({
  relay,
  workstation,
}) => {
  const { left, right } = await enrolPair(relay, workstation)
  const [meeting, moved] = ['La réunion est à 10 heures.', 'La réunion est à 11 heures.']
  await write(left.page, meeting)
  await expect(row(right.page, meeting)).toBeVisible(onTheWay)

  await test.step('read', async () => {
    await right.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.focus())
    await expectState(left.page, meeting, 'read')
  })

  await test.step('a reaction, and another one in its place', async () => {
    await row(right.page, meeting).focus()
    await right.page.keyboard.press('v')
    const chips = row(left.page, meeting).getByRole('group', { name: text('react.group') })
    await expect(chips).toContainText(`${text('react.seen')} 1`, onTheWay)
    await row(right.page, meeting).focus()
    await right.page.keyboard.press('d')
    await expect(chips).toContainText(`${text('react.agree')} 1`, onTheWay)
    await expect(chips).not.toContainText(text('react.seen'))
  })

  await test.step('an edit, with the version before', async () => {
    await row(left.page, meeting).focus()
    await left.page.keyboard.press('e')
    await expect(left.page.getByText(text('composer.editing'))).toBeVisible()
    await write(left.page, moved)
    await expect(row(right.page, moved)).toContainText(text('thread.edited'), onTheWay)
    await expect(row(right.page, meeting)).toHaveCount(0)
    // The reaction stays with the message.
    await expect(row(right.page, moved)).toContainText(text('react.agree'))
    await row(right.page, moved).getByText(text('thread.edited')).click()
    const versions = right.page.getByRole('dialog', { name: text('versions.title') })
    await expect(versions).toContainText(meeting)
    await right.page.keyboard.press('Escape')
  })

  await test.step('taken back by its author: a mark is left', async () => {
    await row(left.page, moved).focus()
    await left.page.keyboard.press('Delete')
    await left.page.getByRole('button', { name: text('delete.forEveryone') }).click()
    await expect(right.page.getByText(text('thread.deletedOther'))).toBeVisible(onTheWay)
    await expect(left.page.getByText(text('thread.deletedOwn'))).toBeVisible()
    for (const { page } of [left, right]) await expect(row(page, moved)).toHaveCount(0)
  })
})
