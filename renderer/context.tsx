import { createContext, use, useEffect, useState, type ReactNode } from 'react'
import { useStore } from 'zustand'
import type { StoreApi } from 'zustand/vanilla'
import { createDates, createText, type Dates, type Language, type Text } from '../src/text/index.ts'
import type { Client } from './client.ts'
import type { Messenger } from './store/store.ts'
import type { Model } from './store/state.ts'
import type { View } from './store/view.ts'

/** Everything the screens need, passed down from the entry. */
export interface Services {
  readonly client: Client
  readonly messenger: Messenger
  readonly view: StoreApi<View>
  /** ms since the epoch. */
  readonly now: () => number
}

interface Words {
  readonly text: Text
  readonly dates: Dates
}

const ServicesContext = createContext<Services | null>(null)
const WordsContext = createContext<Words | null>(null)

interface ProviderProps {
  readonly services: Services
  readonly children: ReactNode
}

export function ServicesProvider({ services, children }: ProviderProps) {
  const language = useStore(services.messenger.store, (model) => model.appearance.locale)
  const [words] = useState(() => new Map<Language, Words>())
  let current = words.get(language)
  if (current === undefined) {
    const text = createText(language)
    current = { text, dates: createDates(text) }
    words.set(language, current)
  }
  return (
    <ServicesContext value={services}>
      <WordsContext value={current}>{children}</WordsContext>
    </ServicesContext>
  )
}

export function useServices(): Services {
  const services = use(ServicesContext)
  if (services === null) throw new Error('outside of ServicesProvider')
  return services
}

export function useWords(): Words {
  const words = use(WordsContext)
  if (words === null) throw new Error('outside of ServicesProvider')
  return words
}

export function useText(): Text {
  return useWords().text
}

export function useModel<T>(select: (model: Model) => T): T {
  return useStore(useServices().messenger.store, select)
}

export function useView<T>(select: (view: View) => T): T {
  return useStore(useServices().view, select)
}

/** The time, renewed every so many ms; 0: not renewed. */
export function useNow(everyMs: number): number {
  const { now } = useServices()
  const [time, setTime] = useState(now)
  useEffect(() => {
    setTime(now())
    if (everyMs === 0) return undefined
    const timer = setInterval(() => setTime(now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs, now])
  return time
}
