/** What every page stands on: theme, notifications, cached answers of the API. */
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider, type QueryClient } from "@tanstack/react-query";
import { setNonce } from "get-nonce";
import { type ReactNode, useState } from "react";
import { createQueryClient } from "./query-client";
import { theme } from "./theme";

/** The nonce of this page, for the styles that components add while it is open. */
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
if (nonce) setNonce(nonce); // for the scroll lock below dialogs

const colorScheme = localStorageColorSchemeManager({ key: "alongside-color-scheme" });

export function Providers({ children, client }: { children: ReactNode; client?: QueryClient }) {
  const [ownClient] = useState(createQueryClient);
  return (
    <MantineProvider theme={theme} getStyleNonce={() => nonce} defaultColorScheme="auto" colorSchemeManager={colorScheme}>
      <QueryClientProvider client={client ?? ownClient}>
        <Notifications position="bottom-right" limit={4} />
        {children}
      </QueryClientProvider>
    </MantineProvider>
  );
}
