import {
  Autocomplete,
  Badge,
  Combobox,
  createTheme,
  Modal,
  ModalHeader,
  Select,
  Table,
  Tooltip,
} from '@mantine/core';

/** The list itself scrolls: what scrolls around it could not be reached by keyboard. */
const list = {
  defaultProps: { withScrollArea: false },
  styles: { options: { maxHeight: 240, overflowY: 'auto' } },
} as const;

/** One look for everything: system fonts, calm surfaces, and colours that keep their contrast in light and dark. */
export const theme = createTheme({
  primaryColor: 'cyan',
  primaryShade: 9,
  autoContrast: true,
  luminanceThreshold: 0.4,
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Table: Table.extend({ defaultProps: { verticalSpacing: 'xs' } }),
    // Within the dialog or the page to which their field belongs.
    Combobox: Combobox.extend({ defaultProps: { withinPortal: false } }),
    Select: Select.extend(list),
    Autocomplete: Autocomplete.extend(list),
    Badge: Badge.extend({ defaultProps: { radius: 'sm' } }),
    Tooltip: Tooltip.extend({ defaultProps: { withArrow: true, multiline: true, maw: 420, openDelay: 150 } }),
    // A dialog's title bar is no banner of the page.
    ModalHeader: ModalHeader.extend({ defaultProps: { role: 'presentation' } }),
    Modal: Modal.extend({ defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } }),
  },
});
