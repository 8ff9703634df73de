export * from './bridge.ts'
export * from './calls.ts'
export * from './names.ts'
export * from './view.ts'
