/** PLACEHOLDER replaced below */
export interface Port {
  /** Plain data (structured clone); what is in `transfer` moves instead of being copied. */
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  onMessage(take: (message: unknown) => void): void;
  /** The other side is gone. */
  onClose(then: () => void): void;
  close(): void;
}
