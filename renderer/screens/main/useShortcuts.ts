import { useEffect } from 'react'
import { modalOpen } from '../../components/dialog.tsx'
import { useServices } from '../../context.tsx'
import { readyOf } from '../../store/state.ts'
import { focusComposer, openConversation, showDirectory, type Section } from '../../store/view.ts'
import { neighbour } from './order.ts'

const sectionOfDigit: Readonly<Record<string, Section>> = { 1: 'messages', 2: 'directory', 3: 'settings' }

/** Keys that work everywhere in the window. F6 is `useRegions`. */
export function useShortcuts(): void {
  const { messenger, view } = useServices()
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing || modalOpen()) return
      if (act(event)) event.preventDefault()
    }
    const act = (event: KeyboardEvent): boolean => {
      const control = event.ctrlKey || event.metaKey
      if (event.altKey && !control && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
        const conversations = readyOf(messenger.store.getState())?.conversations ?? []
        const step = event.key === 'ArrowDown' ? 1 : -1
        const next = neighbour(conversations, view.getState().openId, step, event.shiftKey)
        if (next !== null) openConversation(view, next.conversationId)
        return true
      }
      if (control && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'n') {
        showDirectory(view)
        return true
      }
      const section = control && !event.altKey && !event.shiftKey ? sectionOfDigit[event.key] : undefined
      if (section !== undefined) {
        if (section === 'directory') showDirectory(view)
        else view.setState({ section })
        return true
      }
      return event.key === 'Escape' && escape()
    }
    const escape = (): boolean => {
      if (view.getState().section !== 'messages') view.setState({ section: 'messages' })
      focusComposer(view)
      return true
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [messenger, view])
}
