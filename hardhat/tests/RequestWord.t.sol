// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {RequestWord, RequestWords} from "../contracts/lib/RequestWord.sol";
import {Checks} from "./support/Vm.sol";

contract RequestWordTest is Checks {
    function test_matches__when_the_request_ended__then_a_hash_of_the_same_bits_is_none() public view {
        IAIRiskOracle.Assessment memory a;
        (a.category, a.score, a.issuedAt, a.modelIndex) = (1, 8_000, 1_800_000_000, 1);
        _matchesNothing(RequestWords.answered(a));
        _matchesNothing(RequestWords.declined(3));
        _matchesNothing(RequestWords.CANCELLED_WORD);
        _matchesNothing(RequestWord.wrap(0));
    }

    function _matchesNothing(RequestWord word) private pure {
        bytes32 hash = bytes32(RequestWord.unwrap(word));
        check(!word.matches(hash), vm.toString(hash));
        check(RequestWords.pending(hash, 0).matches(hash), "pending, it would");
    }
}
