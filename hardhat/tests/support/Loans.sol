// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAcceptedIssuers} from "../../contracts/interfaces/IAcceptedIssuers.sol";
import {ILendingDesk} from "../../contracts/interfaces/ILendingDesk.sol";

// What a lender that takes no private data is deployed with.
IAcceptedIssuers constant NOBODY = IAcceptedIssuers(address(0));

/// @notice A policy whose limits leave room: a test that is about one of them sets it.
function openPolicy() pure returns (ILendingDesk.Policy memory) {
    return
        ILendingDesk.Policy({
            minimumScore: 7_000,
            fraudLimit: 2_000,
            minimumConfidence: 0,
            maximumLtv: 7_000,
            maximumInterestRate: 3_000,
            plainInterestRate: 3_000,
            maximumDuration: 180 days,
            gracePeriod: 3 days,
            plainLtv: 1_000,
            plainDuration: 7 days,
            minimumDuration: 1,
            passportRequired: false,
            minimumPrincipal: 1,
            borrowerLimit: type(uint128).max,
            maximumUtilisation: 10_000,
            lateInterestRate: 0,
            maximumAnswerAge: 7 days,
            refusalCooldown: 30 days,
            primaryOnly: false,
            plainTermsForAll: false
        });
}

/// @notice An order of a borrower who takes whatever is granted.
function anyOrder(uint128 principal, uint128 collateral, uint32 duration) pure returns (ILendingDesk.Order memory) {
    return ILendingDesk.Order(principal, collateral, duration, 0, 0, type(uint16).max);
}
