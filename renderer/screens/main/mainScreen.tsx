import { useEffect } from 'react'
import type { Alert } from '../../../src/contract/index.ts'
import { exhausted } from '../../../src/base/exhaustive.ts'
import { useModel, useServices, useText, useView } from '../../context.tsx'
import { conversationOf, readyOf } from '../../store/state.ts'
import { gravestOf } from './alerts.ts'
import { Composer } from './composer.tsx'
import { ConversationList } from './conversationList.tsx'
import { DirectoryPage } from './directoryPage.tsx'
import { EmptyThread } from './emptyThread.tsx'
import { OfflineBanner } from './offlineBanner.tsx'
import { Rail } from './rail.tsx'
import { SettingsPage } from './settings/settingsPage.tsx'
import { AlertBand } from './alertBand.tsx'
import { StandingBar } from './standingBar.tsx'
import { ThreadView } from './threadView.tsx'
import { useShortcuts } from './useShortcuts.ts'

export function MainScreen() {
  useShortcuts()
  useTitle()
  return (
    <>
      <Banners />
      <Body />
    </>
  )
}

/** At most one: what happened to the account weighs more than the network, which the title bar tells too. */
function Banners() {
  const alerts = useModel((model) => readyOf(model)?.alerts ?? none)
  const gravest = gravestOf(alerts)
  return gravest === null ? <OfflineBanner /> : <AlertBand alert={gravest} others={alerts.length - 1} />
}

const none: readonly Alert[] = []

function Body() {
  const section = useView((view) => view.section)
  switch (section) {
    case 'messages':
      return <MessagesSection />
    case 'directory':
      return <DirectoryPage />
    case 'settings':
      return (
        <div className="shell full" data-narrow="main">
          <Rail />
          <SettingsPage />
        </div>
      )
    default:
      return exhausted(section)
  }
}

function MessagesSection() {
  const text = useText()
  const openId = useView((view) => view.openId)
  // Null also for one that was opened a moment ago and whose delta is under way.
  const conversation = useModel((model) => conversationOf(model, openId))
  const none = useModel((model) => readyOf(model)?.conversations.length === 0)
  // One panel at a time in a narrow window: the thread, the list, or the first steps when there is no list yet.
  const narrow = conversation !== null ? 'thread' : none ? 'main' : 'list'
  return (
    <div className="shell no-pane" data-narrow={narrow}>
      <Rail />
      <ConversationList />
      {conversation === null ? (
        <EmptyThread />
      ) : (
        <main
          className="thread"
          key={conversation.conversationId}
          aria-label={text('thread.with', { name: conversation.person.displayName })}
        >
          <ThreadView conversation={conversation} />
          {conversation.standing === 'accepted' ? (
            <Composer conversation={conversation} />
          ) : (
            <StandingBar conversation={conversation} />
          )}
        </main>
      )}
    </div>
  )
}

/** `(3) Valise — name`: unread conversations first, so that the task bar tells. */
function useTitle(): void {
  const text = useText()
  const { view } = useServices()
  const section = useView((one) => one.section)
  const openId = useView((one) => one.openId)
  const name = useModel((model) => conversationOf(model, openId)?.person.displayName ?? null)
  const count = useModel((model) => readyOf(model)?.conversations.filter((one) => one.unread > 0).length ?? 0)
  useEffect(() => {
    const place = section === 'messages' ? name : text(`rail.${section}`)
    if (place === null)
      document.title = count > 0 ? text('app.titleUnreadPlain', { count }) : text('app.title')
    else if (count > 0) document.title = text('app.titleUnread', { count, name: place })
    else document.title = text('app.titleOf', { name: place })
  }, [text, view, section, name, count])
}
