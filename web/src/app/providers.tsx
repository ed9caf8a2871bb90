/** What every page stands on: theme, notifications, cached answers of the API. */
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { setNonce } from "get-nonce";
import { type ReactNode, useState } from "react";
import { createQueryClient } from "./query-client";
import { theme } from "./theme";

/** The nonce of this page, for the styles that components add while it is open. */
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
if (nonce) setNonce(nonce); // for the scroll lock below dialogs

const colorScheme = localStorageColorSchemeManager({ key: "alongside-color-scheme" });

/** `env="test"` leaves out animations, which tests would have to wait for. */
export function Providers({ children, env = "default" }: { children: ReactNode; env?: "default" | "test" }) {
  const [client] = useState(createQueryClient);
  return (
    <MantineProvider theme={theme} env={env} getStyleNonce={() => nonce} defaultColorScheme="auto" colorSchemeManager={colorScheme}>
      <QueryClientProvider client={client}>
        <Notifications position="bottom-right" limit={4} />
        {children}
      </QueryClientProvider>
    </MantineProvider>
  );
}
