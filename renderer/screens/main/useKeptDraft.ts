import { useEffect, useRef } from 'react'
import { useServices } from '../../context.tsx'

const pauseMs = 400
/** What the contract takes as a draft. */
const draftCharacters = 64 * 1024

/** Keeps what stands in the composer in the vault: after a pause, and at once when the conversation is left. */
export function useKeptDraft(conversationId: string, value: string, inVault: string): void {
  const { client } = useServices()
  const saved = useRef(inVault)
  const latest = useRef(value)
  latest.current = value
  const save = useRef(() => undefined as void)
  save.current = () => {
    const text = latest.current.slice(0, draftCharacters)
    if (text === saved.current) return
    saved.current = text
    void client.call('conversation.draft', { conversationId, text })
  }
  useEffect(() => {
    if (value === saved.current) return undefined
    // An emptied field is kept empty at once: a sent text must not come back after a crash.
    const timer = setTimeout(() => save.current(), value === '' ? 0 : pauseMs)
    return () => clearTimeout(timer)
  }, [value])
  useEffect(() => {
    const flush = (): void => save.current()
    window.addEventListener('pagehide', flush)
    window.addEventListener('blur', flush)
    return () => {
      window.removeEventListener('pagehide', flush)
      window.removeEventListener('blur', flush)
      flush()
    }
  }, [])
}
