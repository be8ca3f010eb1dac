// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {LendingWorld} from "./support/LendingWorld.sol";
import {WorldChecks} from "./support/WorldChecks.sol";

/// @notice The runner calls the contracts of this file alone.
contract World is LendingWorld {}

/// @notice Any numbers that a circuit can show, by a verifier that accepts exactly the listed pairs of proof and instances.
contract InvariantsTest is WorldChecks {
    function setUp() public {
        _inhabit(new World());
    }

    function invariant_escrow_and_owed_fees_are_the_oracles_balance() external view {
        _escrowAndOwedFeesAreTheBalance();
    }

    function invariant_a_request_ends_at_most_once() external view {
        _requestsEndAtMostOnce();
    }

    function invariant_no_path_stores_a_number_that_the_proof_does_not_contain() external view {
        _storedNumbersAreProven();
    }

    function invariant_a_forged_answer_is_refused_for_its_proof() external view {
        _forgedAnswersAreRefused();
    }

    function invariant_a_wallet_that_is_refused_finds_no_way_to_money() external view {
        _refusalsLast();
    }

    function invariant_nobody_is_stuck_and_no_price_jumps() external view {
        _nothingIsStuckAndNothingJumps();
    }

    function invariant_the_ether_pool_owns_exactly_what_it_owes() external view {
        _etherPoolOwnsWhatItOwes();
    }

    function invariant_the_token_pool_owns_exactly_what_it_owes() external view {
        _tokenPoolOwnsWhatItOwes();
    }
}
