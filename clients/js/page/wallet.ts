import type { Address, Chain, EIP1193Provider, PublicClient } from "viem";
import { createPublicClient, createWalletClient, custom, defineChain, getAddress, numberToHex } from "viem";
import type { Wallet } from "../src/oracle.js";
import { Said } from "./words.js";

/** A wallet that a browser's extension offers, by the name that it gives itself. */
export type Offered = { name: string; provider: EIP1193Provider };

type Announced = CustomEvent<{ info: { uuid: string; name: string }; provider: EIP1193Provider }>;

/** The wallets that announce themselves (EIP-6963), and else the one that simply is there (EIP-1193). */
export function offered(heard: (wallets: readonly Offered[]) => void): void {
  const found = new Map<string, Offered>();
  const tell = () => {
    const lone = (window as { ethereum?: EIP1193Provider }).ethereum;
    const all = [...found.values()];
    heard(all.length === 0 && lone !== undefined ? [{ name: "your browser's wallet", provider: lone }] : all);
  };
  addEventListener("eip6963:announceProvider", (event) => {
    const { info, provider } = (event as Announced).detail;
    found.set(info.uuid, { name: info.name.slice(0, 40), provider });
    tell();
  });
  dispatchEvent(new Event("eip6963:requestProvider"));
  // A wallet of the older kind may come after the page.
  addEventListener("ethereum#initialized", tell, { once: true });
  tell();
}

/** A connected wallet: reads and signs by the same provider, so that this page speaks to no other node. */
export class Connected {
  readonly client: PublicClient;
  readonly wallet: Wallet;

  private constructor(
    readonly provider: EIP1193Provider,
    readonly account: Address,
    readonly chain: Chain,
  ) {
    this.client = createPublicClient({ chain, transport: custom(provider), pollingInterval: 1_000 });
    this.wallet = createWalletClient({ account, chain, transport: custom(provider) }) as Wallet;
  }

  /** Ask the wallet for its account. */
  static async by(provider: EIP1193Provider, chainId: number): Promise<Connected> {
    const [first] = await provider.request({ method: "eth_requestAccounts" });
    if (first === undefined) throw new Said("The wallet gave no account: unlock it, then connect again.");
    const nativeCurrency = { name: "coin", symbol: "coins", decimals: 18 };
    const chain = defineChain({ id: chainId, name: `chain ${chainId}`, nativeCurrency, rpcUrls: { default: { http: [] } } });
    return new Connected(provider, getAddress(first), chain);
  }

  /** The chain that the wallet is on. */
  async chainId(): Promise<number> {
    return Number(await this.provider.request({ method: "eth_chainId" }));
  }

  /** Throw Said unless the wallet is on the oracle's chain. */
  async requireChain(): Promise<void> {
    const found = await this.chainId();
    if (found !== this.chain.id)
      throw new Said(`Your wallet is on chain ${found}, this oracle is on chain ${this.chain.id}: switch the network.`);
  }

  /** Ask the wallet to go to the oracle's chain. */
  async switchChain(): Promise<void> {
    const params: [{ chainId: `0x${string}` }] = [{ chainId: numberToHex(this.chain.id) }];
    try {
      await this.provider.request({ method: "wallet_switchEthereumChain", params });
    } catch (error) {
      if ((error as { code?: number }).code === 4902)
        throw new Said(`Your wallet does not know chain ${this.chain.id}: add it there, then try again.`);
      throw error;
    }
  }
}
