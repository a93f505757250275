/** Two posts and the line that holds between them. */
export function Logo({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#0b7285" />
      <path d="M9 7v18M23 7v18" stroke="#fff" strokeWidth="3" strokeLinecap="round" />
      <path d="M9 16c3.5-5 10.5-5 14 0" stroke="#ffd43b" strokeWidth="3" fill="none" strokeLinecap="round" />
    </svg>
  );
}
