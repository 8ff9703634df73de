export * from './bridge.ts'
export * from './calls.ts'
export * from './view.ts'
