// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {Field} from "../contracts/lib/Field.sol";
import {RequestWord, RequestWords} from "../contracts/lib/RequestWord.sol";
import {Scores} from "../contracts/lib/Scores.sol";
import {Checks} from "./support/Vm.sol";

/// @notice The libraries' doors, opened to the tests.
contract ScoresDoor {
    function decode(int256[] calldata outputs, uint72 scales) external pure returns (IAIRiskOracle.Assessment memory) {
        Scores.toInstances(0, 0, outputs);
        return Scores.decode(outputs, scales);
    }

    function toInstances(
        uint256 features,
        uint256 data,
        int256[] calldata outputs
    ) external pure returns (uint256[] memory) {
        return Scores.toInstances(features, data, outputs);
    }
}

contract ScoresTest is Checks {
    ScoresDoor private door;
    int256[] private outputs;
    uint72 private scales;

    function setUp() public {
        door = new ScoresDoor();
        outputs = new int256[](10);
        for (uint256 i = 0; i < 10; ++i) _scale(i, 10);
    }

    function _scale(uint256 index, uint256 scale) private {
        scales = uint72((uint256(scales) & ~(uint256(127) << (7 * index))) | (scale << (7 * index)));
    }

    function _category(int256 low, int256 medium, int256 high) private returns (uint256) {
        outputs[0] = low;
        outputs[1] = medium;
        outputs[2] = high;
        return door.decode(outputs, scales).category;
    }

    function test_category__when_margins_tie__then_the_riskier_wins() public {
        equal(_category(1, 0, 0), 0, "low");
        equal(_category(0, 1, 0), 1, "medium");
        equal(_category(0, 0, 1), 2, "high");
        equal(_category(5, 5, 0), 1, "low and medium tie");
        equal(_category(5, 0, 5), 2, "low and high tie");
        equal(_category(0, 5, 5), 2, "medium and high tie");
        equal(_category(0, 0, 0), 2, "all tie");
        equal(_category(-1, -2, -3), 0, "negative margins");
        equal(_category(-3, -2, -2), 2, "negative tie");
    }

    function test_category__when_scales_differ__then_values_not_integers_are_compared() public {
        _scale(0, 4);
        _scale(1, 8);
        equal(_category(16, 255, 0), 0, "1 beats 255/256");
        equal(_category(16, 256, 0), 1, "1 ties with 256/256");
        equal(_category(-16, -255, -1024), 1, "negative");
        int256 edge = 2 ** 127 - 1;
        _scale(0, 0);
        _scale(1, 126);
        equal(_category(edge, edge, -edge), 0, "the largest margins do not overflow");
        equal(_category(-edge, -edge, -edge), 1, "nor the smallest");
    }

    function test_fraction__when_at_its_limits__then_it_is_clamped_and_rounded_down() public {
        int256[8] memory values = [int256(-1), 0, 1, 511, 512, 1023, 1024, 1025];
        uint16[8] memory expected = [0, 0, 9, 4990, 5000, 9990, 10_000, 10_000];
        for (uint256 i = 0; i < 8; ++i) {
            outputs[3] = values[i];
            equal(door.decode(outputs, scales).score, expected[i], "basis points");
        }
        outputs[7] = 1024;
        equal(door.decode(outputs, scales).durationDays, 365, "a year");
        outputs[7] = 1023;
        equal(door.decode(outputs, scales).durationDays, 364, "just under");
        outputs[7] = 5000;
        equal(door.decode(outputs, scales).durationDays, 365, "never more than a year");
        outputs[7] = -5000;
        equal(door.decode(outputs, scales).durationDays, 0, "never negative");
    }

    function test_fraction__when_any_value_and_scale__then_it_is_the_clamped_quotient(
        int128 value,
        uint256 scale,
        uint256 index
    ) public {
        vm.assume(value > type(int128).min);
        scale = bound(scale, 0, 126);
        index = bound(index, 3, 9);
        _scale(index, scale);
        outputs[index] = value;
        IAIRiskOracle.Assessment memory a = door.decode(outputs, scales);
        uint256 full = index == 7 ? 365 : 10_000;
        uint256 quotient = value < 0 ? 0 : (uint256(int256(value)) * full) / 2 ** scale;
        uint16[7] memory found = [
            a.score,
            a.probabilityOfDefault,
            a.fraudLikelihood,
            a.interestRate,
            a.durationDays,
            a.maximumLtv,
            a.confidence
        ];
        for (uint256 i = 0; i < 7; ++i) {
            equal(found[i], i + 3 == index ? (quotient > full ? full : quotient) : 0, "only its own number moves");
        }
    }

    function test_instances__when_outputs_are_negative__then_they_are_field_elements() public {
        outputs[0] = -1;
        outputs[1] = 2 ** 127 - 1;
        outputs[2] = -(2 ** 127 - 1);
        uint256[] memory instances = door.toInstances(5, 7, outputs);
        equal(instances.length, 12, "two commitments, ten outputs");
        equal(instances[0], 5, "features");
        equal(instances[1], 7, "data");
        equal(instances[2], Field.MODULUS - 1, "-1 is r - 1");
        equal(instances[3], 2 ** 127 - 1, "largest");
        equal(instances[4], Field.MODULUS - (2 ** 127 - 1), "smallest");
        equal(instances[5], 0, "zero");
    }

    function test_decode__when_the_number_of_outputs_differs__then_it_is_refused() public {
        for (uint256 count = 9; count < 12; ++count) {
            if (count == 10) continue;
            vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.WrongOutputCount.selector, count, 10));
            door.decode(new int256[](count), scales);
        }
    }

    function test_instances__when_a_value_leaves_the_range__then_it_is_refused() public {
        int256[4] memory values = [int256(2 ** 127), -int256(2 ** 127), type(int256).max, type(int256).min];
        for (uint256 i = 0; i < 4; ++i) {
            outputs[9] = values[i];
            vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.OutputOutOfRange.selector, 9, values[i]));
            door.toInstances(0, 0, outputs);
        }
        outputs[9] = 0;
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.NotAFieldElement.selector, Field.MODULUS));
        door.toInstances(Field.MODULUS, 0, outputs);
        equal(door.toInstances(Field.MODULUS - 1, 0, outputs)[0], Field.MODULUS - 1, "p - 1 is an element");
    }

    function test_instances__when_two_outputs_differ__then_so_do_their_elements(int128 a, int128 b) public {
        vm.assume(a > type(int128).min && b > type(int128).min && a != b);
        outputs[0] = a;
        outputs[1] = b;
        uint256[] memory instances = door.toInstances(0, 0, outputs);
        check(instances[2] != instances[3], "one element a value");
        check(instances[2] < Field.MODULUS && instances[3] < Field.MODULUS, "below the modulus");
    }

    function test_word__when_packed_and_unpacked__then_nothing_is_lost(IAIRiskOracle.Assessment memory a) public pure {
        a.category = a.category % 3;
        RequestWord word = RequestWords.answered(a);
        check(word.state() == IAIRiskOracle.RequestState.Answered, "answered");
        equal(keccak256(abi.encode(word.assessment())), keccak256(abi.encode(a)), "the same assessment");
    }

    function test_word__when_pending__then_it_matches_its_hash_only(
        bytes32 hash,
        bytes32 other,
        uint24 callbackGas,
        uint8 reason
    ) public view {
        RequestWord word = RequestWords.pending(hash, callbackGas);
        check(word.state() == IAIRiskOracle.RequestState.Pending, "pending");
        check(word.matches(hash), "its own");
        equal(word.callbackGas(), callbackGas, "the callback's gas");
        vm.assume(hash >> 32 != other >> 32);
        check(!word.matches(other), "no other");
        check(!RequestWords.declined(reason).matches(hash) && !RequestWords.CANCELLED_WORD.matches(hash), "ended");
        check(!RequestWord.wrap(0).matches(hash), "nothing");
    }
}
